"""The grammar is nginx's: held against crossplane's and, where nginx is installed, against nginx itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import crossplane
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.model import Configuration
from hosttune.programs.configuration import Given
from hosttune.programs.shelves import nginx
from hosttune.programs.shelves.nginx.grammar import Directive
from hosttune.programs.shelves.nginx.including import tree
from tests import needs
from tests.fuzz.memory import Memory

NAME = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda name: name != "include")
PLAIN = st.from_regex(r"[A-Za-z0-9_./:$*=~^-]{1,8}", fullmatch=True)
WORD = PLAIN | PLAIN.map(lambda text: f'"{text} x;{{}}"') | PLAIN.map(lambda text: f"'#{text}'") | st.just("${var}x")
SPACE = st.sampled_from([" ", "\n", "\t", "\r\n", " # a comment; { }\n", "  "])


def _directive(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    args = st.lists(st.tuples(SPACE, WORD), max_size=3).map(lambda rows: "".join(a + b for a, b in rows))
    end = st.just(";") | st.lists(inner, max_size=3).map(lambda rows: " {" + "".join(rows) + "\n}")
    return st.tuples(SPACE, NAME, args, SPACE, end).map("".join)


TEXT = st.lists(st.recursive(_directive(st.just("\na 1;")), _directive, max_leaves=12), max_size=5).map("".join)


def _ours(directives: tuple[Directive, ...]) -> list[Any]:
    return [(row.name, list(row.args), row.line, None if row.block is None else _ours(row.block)) for row in directives]


def _theirs(rows: list[dict[str, Any]]) -> list[Any]:
    """Return the same of crossplane, which has comments among the arguments as directives of their own."""
    own = (row for row in rows if row["directive"] != "#")
    return [(r["directive"], r["args"], r["line"], _theirs(r["block"]) if "block" in r else None) for r in own]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXT)
def test_crossplane_reads_the_same(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.conf"
    path.write_text(text, newline="")
    parsed = crossplane.parse(str(path), single=True, check_ctx=False, check_args=False)
    assert parsed["status"] == "ok"
    own = _ours(tree(Given(Memory({"/x.conf": text}), ("/x.conf",))).directives)
    assert own == _theirs(parsed["config"][0]["parsed"])


def test_escapes_are_those_of_nginx() -> None:
    text = r'a "x\"y" \;b c\ d "\\" "\n" "\$z" "${q}";'
    (row,) = tree(Given(Memory({"/x": text}), ("/x",))).directives
    assert row.args == ('x"y', r"\;b", r"c\ d", "\\", "\n", r"\$z", "${q}")


def _nginx(directory: Path, path: Path) -> subprocess.CompletedProcess[str]:
    own = ["-p", str(directory), "-g", f"pid {directory}/nginx.pid; error_log stderr;"]
    command = ["nginx", "-T", *own, "-c", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def _read(path: Path) -> Configuration | None:
    try:
        return nginx.read(Given(LiveHost(), (str(path),), resolves=False))
    except UsageError:
        return None


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, str]:
    """Give the files of a configuration that nginx may take: several upstreams, servers, maps, includes."""
    count = draw(st.integers(1, 4))
    address = st.integers(1, 250).map(lambda n: f"10.0.0.{n}:{1000 + n}")
    option = st.sampled_from(["", " weight=3", " max_conns=7", " down", " backup", " max_fails=0 fail_timeout=1s"])
    upstreams, servers = [], []
    for number in range(count):
        rows = [f"server {draw(address)}{draw(option)};" for _ in range(draw(st.integers(1, 4)))]
        rows += draw(st.lists(st.sampled_from([f"zone z{number} 64k;", "least_conn;"]), unique=True, max_size=2))
        upstreams.append(f"upstream u{number} {{ {' '.join(rows)} }}\n")
        to = draw(st.sampled_from([f"u{number}", "$to", draw(address)]))
        bind = draw(st.sampled_from(["", "proxy_bind $from;", "proxy_bind 10.1.0.9;", "proxy_bind off;"]))
        options = draw(st.sampled_from(["", " backlog=9", " reuseport", " so_keepalive=on"]))
        servers.append(f"server {{ listen 127.0.0.1:{7000 + number}{options}; {bind} proxy_pass {to}; }}\n")
    shared = (
        'split_clients "$remote_addr" $from { 50% 10.1.0.1; * 10.1.0.2; }\nmap $from $to { default u0; 10.1.0.2 u0; }\n'
    )
    workers = draw(st.sampled_from(["1", "3", "auto"]))
    main = (
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
        f"worker_processes {workers};\nevents {{ worker_connections {draw(st.integers(64, 900))}; }}\n"
        "stream {\ninclude parts/*.conf;\ninclude shared;\n"
    )
    return {"nginx.conf": main + "".join(servers) + "}\n", "parts/u.conf": "".join(upstreams), "shared": shared}


@pytest.mark.slow
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(configurations())
def test_what_nginx_takes_is_read_from_the_same_files(tmp_path: Path, files: dict[str, str]) -> None:
    needs.need("nginx", "/usr/lib/nginx/modules/ngx_stream_module.so")
    (tmp_path / "parts").mkdir(exist_ok=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    path = tmp_path / "nginx.conf"
    done, read = _nginx(tmp_path, path), _read(path)
    if done.returncode == 0:
        assert read is not None
        dumped = [
            line.split()[-1].rstrip(":") for line in done.stdout.splitlines() if line.startswith("# configuration")
        ]
        assert sorted(read.files) == sorted(dumped)
        assert not [section for section in read.sections if section.unknown]


GARBAGE = st.text("ab;{}\"'\\#$ \n\t", max_size=12)


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(GARBAGE)
def test_what_nginx_cannot_read_is_refused_and_the_rest_is_not(tmp_path: Path, garbage: str) -> None:
    needs.need("nginx")
    path = tmp_path / "nginx.conf"
    path.write_text(f"events {{ }}\nhttp {{\nmap $uri $x {{\na {garbage} ;\n}}\n}}\n")
    done, read = _nginx(tmp_path, path), _read(path)
    refused = [line for line in done.stderr.splitlines() if "[emerg]" in line]
    # a block within a map is unexpected to nginx too, though its grammar has it (ngx_conf_parse(), cf->handler)
    grammar = ("unexpected end", 'unexpected "}"', 'unexpected ";"', "too long parameter")
    if not refused:
        assert read is not None
    elif read is not None:
        assert not any(word in line for line in refused for word in grammar), refused
