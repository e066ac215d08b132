"""Configurations of HAProxy come to their entries, sections, servers and limits: the cases of cases.toml, and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.model import BindMode
from hosttune.programs.configuration import Given
from hosttune.programs.shelves import haproxy
from tests import pace
from tests.fuzz.memory import Memory
from tests.programs.shelves.haproxy.given import CASES, SHELL, limit, read, shown, text_of

SHELL_TCP = SHELL.format(mode="tcp")


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case], ids=lambda case: case["name"])
def test_what_a_configuration_comes_to(tmp_path: Path, case: dict[str, Any]) -> None:
    found = read(tmp_path, text_of(case), environment=case.get("environment", {}))
    assert [shown(section.name, server) for section in found.sections for server in section.servers] == case["servers"]
    for text in case.get("notes", []):
        assert any(text in note and note.startswith("/h.cfg:") for note in found.notes), (text, found.notes)
    unknown = [text for section in found.sections for text in section.unknown]
    assert len(unknown) == len(case.get("unknown", []))
    for text, what in zip(unknown, case.get("unknown", []), strict=True):
        assert what in text and text.startswith("/h.cfg:")
    idle = [server.name for section in found.sections for server in section.idle]
    assert idle == case.get("idle", [])
    first = found.sections[0] if found.sections else None
    assert first and first.moves_on == case.get("moves_on", False)
    assert first.uneven == "" if "uneven" not in case else case["uneven"] in first.uneven
    assert ("growing" not in case and not first.growing) or case["growing"] in first.growing
    if "entries" in case:
        assert [f"{entry.name}: {', '.join(entry.leads)}" for entry in found.entries] == case["entries"]
    if "limits" in case:
        own = [*found.limits, *(each for entry in found.entries for each in entry.limits)]
        own += [each for section in found.sections for each in section.limits]
        assert [limit(each) for each in own] == case["limits"]
    if "backlogs" in case:
        assert [entry.backlog for entry in found.entries] == case["backlogs"]
    assert haproxy.recognises(text_of(case))


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case], ids=lambda case: case["name"])
def test_what_leaves_nothing_is_one_line(tmp_path: Path, case: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text_of(case))
    assert case["error"] in str(caught.value) and "\n" not in str(caught.value)


def test_global_and_defaults_go_on_into_the_next_file(tmp_path: Path) -> None:
    one = "global\n maxconn 99\n setenv X 127.0.0.1\ndefaults\n source 10.0.0.9\n maxconn 7\n"
    two = 'frontend f\n bind :80\n default_backend b\nbackend b\n server s "$X:80"\n'
    found = read(tmp_path, one, two)
    (server,) = found.sections[0].servers
    assert (str(server.backend), server.backend.sources, server.where) == ("127.0.0.1:80", ("10.0.0.9",), "/h2.cfg:5")
    assert [limit(own) for own in (*found.limits, *found.entries[0].limits)] == [
        "maxconn 99",
        "maxconn 7 of frontend f",
    ]
    assert found.files == ("/h.cfg", "/h2.cfg") and found.mode is BindMode.NO_PORT


def test_names_are_not_asked_for_where_nobody_may(tmp_path: Path) -> None:
    text = SHELL_TCP + "backend b\n server s one.example:1\n server t 10.0.0.2:1\n"
    found = read(tmp_path, text, resolves=False)
    assert [str(backend) for backend in found.backends] == ["10.0.0.2:1"]
    assert "names are not resolved here" in found.sections[0].unknown[0]


def test_line_ends_of_another_system(tmp_path: Path) -> None:
    text = (SHELL_TCP + 'backend b\n server s "10.0.0.1:80"\n').replace("\n", "\r\n")
    assert haproxy.recognises(text)
    assert [str(backend) for backend in read(tmp_path, text).backends] == ["10.0.0.1:80"]


def test_what_takes_no_ports_shares_with_what_does(tmp_path: Path) -> None:
    text = " option redispatch\n server a 10.0.0.1:80 weight 3\n server u /run/u maxconn 9\n"
    text += " server-template t 2 unix@/run/t\n server off /run/o disabled\n"
    (section,) = read(tmp_path, SHELL_TCP + "backend b\n" + text).sections
    shares = [(each.weight, each.most and each.most.value) for each in section.portless]
    assert shares == [(1, 9), (1, None), (1, None)] and not section.moves_on


def test_what_leaves_nothing_is_named_by_its_line(tmp_path: Path) -> None:
    begins = "global\n ulimit-n 99\n" + SHELL_TCP
    for text, why in (
        ("backend b\n server s 10.0.0.1:80 disabled\n", "/h.cfg:12: s is disabled"),
        ('backend b\n server s "$X:80"\n', "/h.cfg:12: ${X}:80: X is set nowhere"),
        ("backend c\n server s 10.0.0.1:80\n", "/h.cfg:10: it leads to b, which is nowhere"),
        ('backend b\n server s "${X:-10.0.0.1}:80"\n', "/h.cfg:12: a brace of a variable is not closed"),
    ):
        with pytest.raises(UsageError) as caught:
            read(tmp_path, begins + text)
        assert why in str(caught.value)


@pytest.mark.parametrize(
    ("server", "bind", "passes"),
    [
        ("abns@x", "abns@x", 2),
        ("unix@/run/x", "/run/x", 2),
        ("127.0.0.1:7001", "127.0.0.1:7001", 2),
        ("127.0.0.1:7001", "127.0.0.1:7001-7002", 1),
        ("127.0.0.1:7001", ":7001", 1),  # others may come there too
        ("10.0.0.1:7001", ":7001", 1),
        ("abns@y", "abns@x", 1),
        ("127.0.0.1:7000", "127.0.0.1:7001", 1),  # it leads to itself
    ],
)
def test_connections_that_come_back(tmp_path: Path, server: str, bind: str, passes: int) -> None:
    text = "global\n maxconn 100\ndefaults\n mode tcp\n maxconn 90\nfrontend f\n bind 127.0.0.1:7000\n"
    text += f" default_backend w\nbackend w\n server s {server}\nfrontend g\n bind {bind}\n default_backend b\n"
    found = read(tmp_path, text + "backend b\n server s 10.0.0.2:80\n")
    assert (found.passes, found.limits[0].most, found.limits[0].value) == (passes, 100 // passes, 100)
    assert [entry.inner for entry in found.entries] == [False, passes > 1]
    comes_back = server not in ("abns@y", "10.0.0.1:7001", "127.0.0.1:7000")
    assert (
        any("/h.cfg:10: frontend" in note and "is entered from backend w" in note for note in found.notes) is comes_back
    )


def test_many_that_lead_to_all_others_are_looked_at_once(tmp_path: Path) -> None:
    one = "frontend f{0}\n bind abns@{0}\n use_backend %[path]\nbackend b{0}\n server s abns@{0}\n"
    text = "".join(one.format(n) for n in range(60))
    watch = pace.Stopwatch()
    found = read(tmp_path, SHELL_TCP.replace("default_backend b", "default_backend b0") + text)
    assert watch.seconds() < 2 and found.passes == 1 and len(found.entries) == 61


def test_paths_of_admin_sockets(tmp_path: Path) -> None:
    text = "global\n stats socket /run/a mode 660\n stats socket ipv4@127.0.0.1:99\n stats socket abns@x\n"
    text += " unix-bind mode 600 prefix /jail\n stats socket unix@/b level admin\n"
    assert read(tmp_path, text + SHELL_TCP + "backend b\n server s 10.0.0.1:80\n").sockets == ("/run/a", "/jail/b")


@pytest.mark.parametrize(
    ("text", "is_haproxy"),
    [
        ("# nothing\n", False),
        ("frontend f\n bind :80\n http-request deny if { path /x }\n", True),
        ("\n  listen l # all\n", True),
        ("resolvers d\r\n nameserver a 10.0.0.1:53\r\n", True),
        ("defaults x from y\n", True),
        ("http {\n server {\n  listen 80;\n }\n}\n", False),
        ("server {\n listen [::]:80 ipv6only=on; # listen on\n backend b;\n}\n", False),
        ("upstream backend\n{\n server 10.0.0.1;\n}\n", False),
        ("listener 1883\nmax_connections 500\naddress 10.0.0.5:1883\n", False),
        ("global:\n  scrape: 1\n", False),
        ("static_resources:\n listeners:\n", False),
    ],
)
def test_whose_file_it_is_tells_the_grammar(text: str, is_haproxy: bool) -> None:
    assert haproxy.recognises(text) is is_haproxy


@pytest.mark.slow
@pytest.mark.parametrize("one_section", [True, False])
def test_thirty_thousand_servers_take_about_a_second(tmp_path: Path, one_section: bool) -> None:
    lines = [f" server s{n} 10.{n >> 16}.{(n >> 8) & 255}.{n & 255}:80 check weight 9 # {n}\n" for n in range(30000)]
    if one_section:
        text = SHELL_TCP + "backend b\n" + "".join(lines)
    else:
        uses = "".join(f" use_backend b{n} if x\n" for n in range(30000))
        text = SHELL_TCP + uses + "".join(f"backend b{n}\n{line}" for n, line in enumerate(lines))
    watch = pace.Stopwatch()
    found = read(tmp_path, text)
    assert watch.seconds() < 6
    assert len(found.backends) == 30000


def test_a_long_line_and_deep_conditions_are_read(tmp_path: Path) -> None:
    text = SHELL_TCP + "backend b\n" + ".if 1\n" * 3000 + " server s 10.0.0.1:80\n" + ".endif\n" * 3000
    text += " # " + "x" * 2_000_000 + "\n http-request deny if { path " + "a " * 200_000 + "}\n"
    text += (
        ".if " + "(" * 100_000 + "\n.endif\n.if " + "!" * 100_000 + "1\n.endif\n.if " + "1&&" * 50_000 + "1\n.endif\n"
    )
    assert len(read(tmp_path, text).backends) == 1


LINE = st.sampled_from([line for case in CASES for line in case["text"].split("\n")])
PIECES = st.lists(st.one_of(LINE, st.text(max_size=30)), max_size=25)


@given(PIECES)
def test_no_file_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    text = SHELL_TCP + "\n".join(pieces)
    try:
        found = read(tmp_path_factory.mktemp("h"), text, resolves=False)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        names = {section.name for section in found.sections}
        assert all(entry.leads and set(entry.leads) <= names for entry in found.entries)
        assert all(
            server.weight > 0 and 0 < server.backend.port < 65536 for s in found.sections for server in s.servers
        )


def test_what_the_command_line_sets_comes_before_the_files() -> None:
    text = "global\n maxconn 500\nlisten l\n bind :80\n server s 10.0.0.1:80\n"
    read_ = haproxy.read(Given(Memory({"/h.cfg": text}), ("/h.cfg",), overrides=("maxconn 70",)))
    assert [(limit.value, limit.where) for limit in read_.limits] == [(70, "command line:2")]
    assert read_.settings.maxconn == 70
