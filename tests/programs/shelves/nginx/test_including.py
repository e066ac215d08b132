"""A configuration of several files: globs, the prefix, below a root, in a snapshot; what cannot be read, and cycles."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.host.recorded import Recorded, Recording
from hosttune.model import Configuration
from hosttune.programs import configuration
from hosttune.programs.configuration import Given
from tests.programs.shelves.nginx import summary

DEBIAN = {
    "/etc/nginx/nginx.conf": (
        "events { worker_connections 768; }\n"
        "http {\n  include /etc/nginx/conf.d/*.conf;\n  include sites-enabled/*;\n}\n"
    ),
    "/etc/nginx/conf.d/pool.conf": "upstream pool {\n  server 10.0.0.5:8080;\n  server 10.0.0.6:8080;\n}\n",
    "/etc/nginx/conf.d/ignored.txt": "upstream pool { server 10.0.0.9; }\n",
    "/etc/nginx/sites-enabled/site": "server {\n  listen 443 ssl;\n  location / { proxy_pass http://pool; }\n}\n",
}


def _hold(read: Configuration) -> None:
    assert [str(backend) for backend in read.backends] == ["10.0.0.5:8080", "10.0.0.6:8080"]
    assert [entry.leads for entry in read.entries] == [("upstream pool",)]
    assert [server.where for section in read.sections for server in section.servers] == [
        "/etc/nginx/conf.d/pool.conf:2",
        "/etc/nginx/conf.d/pool.conf:3",
    ]
    assert read.files == tuple(path for path in DEBIAN if not path.endswith(".txt"))
    assert read.notes == ()


def test_includes_are_followed_where_they_stand() -> None:
    _hold(summary.read(DEBIAN))


def test_includes_lie_below_the_root_and_in_the_snapshot(tmp_path: Path) -> None:
    for path, text in DEBIAN.items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "etc/nginx/nginx.link").symlink_to("/etc/nginx/nginx.conf")
    recording = Recording(LiveHost(str(tmp_path)))
    for host in (LiveHost(str(tmp_path)), recording):
        _hold(configuration.read(Given(host, ("/etc/nginx/nginx.conf",))).configuration)
    _hold(configuration.read(Given(Recorded(recording.answers), ("/etc/nginx/nginx.conf",))).configuration)


def test_a_relative_file_is_meant_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf/parts").mkdir(parents=True)
    (tmp_path / "conf/main.conf").write_text("events { }\nstream { include parts/?.conf; }\n")
    (tmp_path / "conf/parts/a.conf").write_text("server { listen 1; proxy_pass 10.0.0.1:1; }\n")
    monkeypatch.chdir(tmp_path)
    read, _ = configuration.read(Given(LiveHost(), ("conf/main.conf",)))
    assert [str(backend) for backend in read.backends] == ["10.0.0.1:1"]


@pytest.mark.parametrize(
    ("inner", "leads"),
    [
        ("include absent.conf;", "pool may be an upstream of /etc/nginx/absent.conf, which was not read"),
        ("include mime.types;", "pool cannot be resolved"),
        ("include absent/*.conf;", "pool cannot be resolved"),
    ],
)
def test_a_name_that_may_stand_in_what_was_not_read_is_not_asked_for(inner: str, leads: str) -> None:
    conf = f"events {{ }}\nhttp {{\n{inner}\nserver {{ location / {{ proxy_pass http://pool; }} }}\n}}\n"
    read = summary.read({summary.MAIN: conf})
    assert leads in read.sections[0].unknown[0]
    missing = [
        f"{summary.MAIN}:3: include /etc/nginx/{name}: no such file; it was not read" for name in ("absent.conf",)
    ]
    assert [note for note in read.notes if "absent" in note] == (missing if "absent.conf" in inner else [])


def test_an_upstream_says_what_of_it_was_not_read() -> None:
    upstream = "upstream b {\nserver 10.0.0.1:1;\ninclude more;\n}"
    conf = f"events {{ }}\nstream {{\n{upstream}\nserver {{ listen 1; proxy_pass b; }} }}"
    (section,) = summary.read({summary.MAIN: conf}).sections
    assert len(section.servers) == 1
    assert section.unknown == (f"{summary.MAIN}:5: include /etc/nginx/more: no such file",)


@pytest.mark.parametrize("deep", [1, 2, 3])
def test_a_cycle_is_one_line(deep: int) -> None:
    files = {summary.MAIN: "events { }\ninclude p1;\n"}
    files |= {f"/etc/nginx/p{n}": f"include p{n + 1 if n < deep else 1};\n" for n in range(1, deep + 1)}
    with pytest.raises(UsageError, match=r"^/etc/nginx/p\d:1: .* includes .*, which has no end") as caught:
        summary.read(files)
    assert "\n" not in str(caught.value)


def test_a_file_may_be_included_twice() -> None:
    files = {
        summary.MAIN: "events { }\nstream { server { listen 1; include to; } server { listen 2; include to; } }\n",
        "/etc/nginx/to": "proxy_pass 10.0.0.1:1;\n",
    }
    read = summary.read(files)
    assert [len(entry.leads) for entry in read.entries] == [1, 1] and len(read.sections) == 1


def test_files_that_include_many_have_an_end() -> None:
    files = {summary.MAIN: "events { }\n" + "include p1;\n" * 10}
    files |= {f"/etc/nginx/p{n}": f"a {{ include p{n + 1}; }}\n" * 10 for n in range(1, 12)}
    with pytest.raises(UsageError, match="more than 500,000 directives"):
        summary.read(files)


def test_what_the_command_line_adds_comes_first() -> None:
    files = {
        summary.MAIN: "events { worker_connections 64; }\nstream { server { listen 1; proxy_pass 10.0.0.1:1; } }\n"
    }
    read = summary.read(files, overrides=("daemon off; worker_processes 4;", "worker_rlimit_nofile 999;"))
    assert (read.settings.workers, read.settings.nofile) == (4, 999)
    assert [limit.copies for limit in read.limits] == [4]


def test_a_byte_order_mark_is_noted_and_hides_nothing() -> None:
    read = summary.read(
        {summary.MAIN: "\ufeffevents { }\r\nstream {\r\n server { listen 1; proxy_pass 10.0.0.1:1; }\r\n}"}
    )
    assert [str(backend) for backend in read.backends] == ["10.0.0.1:1"] and read.limits
    assert read.notes == (f"{summary.MAIN}:1: a byte order mark, which nginx takes for part of a word; remove it",)


def test_a_site_by_itself_includes_from_where_the_main_file_lies() -> None:
    site = "/etc/nginx/sites-enabled/site"
    files = {
        site: "include snippets/pool.conf;\nserver { location / { proxy_pass http://pool; } }\n",
        "/etc/nginx/snippets/pool.conf": "upstream pool { server 10.0.0.5:8080; }\n",
        "/etc/nginx/nginx.conf": "events { }\n",
    }
    read = summary.read(files)
    assert [str(backend) for backend in read.backends] == ["10.0.0.5:8080"]
    assert read.files == (site, "/etc/nginx/snippets/pool.conf")
    main = summary.read({**files, site: f"events {{ }}\nhttp {{\n{files[site]}}}\n"})
    assert main.notes[0].startswith(f"{site}:3: include /etc/nginx/sites-enabled/snippets/pool.conf: ")
