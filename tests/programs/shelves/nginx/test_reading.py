"""What an nginx.conf comes to, case by case (cases.toml), and that no text makes a traceback or takes its time."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from tests import pace
from tests.programs.shelves.nginx import summary

CASES = tomllib.loads(Path(__file__).with_name("cases.toml").read_text())["case"]
PROBES = {"names": ["10.0.9.1", "10.0.9.2"]}
CPUS = {"/sys/devices/system/cpu/online": "0-2\n"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_a_file_comes_to_what_nginx_does(case: dict[str, Any]) -> None:
    read = summary.read({summary.MAIN: case["conf"], **CPUS}, PROBES)
    assert summary.lines(read) == case["comes_to"].splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_the_names_of_sections_tell_them_apart(case: dict[str, Any]) -> None:
    read = summary.read({summary.MAIN: case["conf"]}, PROBES)
    names = [section.name for section in read.sections]
    assert len(set(names)) == len(names)
    assert {name for entry in read.entries for name in entry.leads} <= set(names)


def test_names_are_not_asked_for_where_they_are_not_to_be_resolved() -> None:
    conf = (
        "events {}\nstream { upstream b { server x.example:1; server 10.0.0.1:1; } server { listen 1; proxy_pass b; } }"
    )
    (section,) = summary.read({summary.MAIN: conf}, PROBES, resolves=False).sections
    assert [str(server.backend) for server in section.servers] == ["10.0.0.1:1"]
    assert section.unknown == (
        f"{summary.MAIN}:2: server x.example:1: x.example is a name, and names are not resolved here",
    )


@pytest.mark.parametrize(
    ("conf", "says"),
    [
        ("events {\n", ":1: the file ends in the block of events"),
        ("events {}\n}\n", ':2: unexpected "}"'),
        ("events {}\nuser x\n", ':3: the file ends where ";" or "{" is expected'),
        ('events {}\nuser "x\n;', ':2: a " that is not closed'),
        ("events {}\nhttp { server { listen 80 } }\n", ':2: unexpected "}"'),
        ("events {}\n;\n", ':2: unexpected ";"'),
        ("events {}\nuser 'a'b;\n", ":2: no space behind a quoted word"),
        ("a { " * 100, ":1: more than 64 blocks in each other"),
        ("events {}\nhttp { x_by_lua_block { local a = '}' ", ":2: a block of Lua that is not closed"),
    ],
)
def test_what_nginx_refuses_is_one_line(conf: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        summary.read({summary.MAIN: conf})
    assert f"{summary.MAIN}{says}" in str(caught.value) and "\n" not in str(caught.value)


WORDS = st.sampled_from(
    [
        "server",
        "upstream",
        "b",
        "{",
        "}",
        ";",
        "listen",
        "80",
        "proxy_pass",
        "http://b",
        "$x",
        "map",
        "set",
        "$y",
        "*",
        "split_clients",
        "50%",
        "http",
        "stream",
        "events",
        "location",
        "/",
        "proxy_bind",
        "10.0.0.1",
        "off",
        "include",
        "default",
        '"',
        "'",
        "\\",
        "#",
        "\n",
        "geo",
        "10.0.0.1:1",
        "max_conns=1",
        "weight=2",
        "backup",
        "unix:",
        "limit_conn",
    ]
)


@given(st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=120))
def test_any_text_is_a_configuration_or_one_line(text: str) -> None:
    try:
        read = summary.read({summary.MAIN: text, "/etc/nginx/x": text}, PROBES)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert all(server.weight > 0 for section in read.sections for server in section.servers)


def _many(what: str, around: str, count: int = 10_000) -> str:
    inner = "\n".join(what.format(n=n, a=n // 62500, b=n // 250 % 250, c=n % 250 + 1) for n in range(count))
    return around.replace("INNER", inner)


SPLIT = """events {}
stream {
split_clients $connection $pair { PARTS* 9999; }
map $pair $to {
INNER
}
upstream one { server 10.0.0.1:1; }
server { listen 1; proxy_pass one; proxy_bind $to; }
}"""
LARGE = {
    "one upstream": _many(
        "server 10.{a}.{b}.{c}:80 weight=5 max_fails=0; # a server",
        "events {}\nhttp { upstream b {\nINNER\n} server { location / { proxy_pass http://b; } } }",
    ),
    "an upstream and a server each": _many(
        "upstream b{n} {{ server 10.{a}.{b}.{c}; }}\n"
        "server {{ server_name n{n}; location / {{ proxy_pass http://b{n}; }} }}",
        "events {}\nhttp {\nINNER\n}",
    ),
    "sources": _many("{n} 10.{a}.{b}.{c};", SPLIT).replace("PARTS", "".join(f"0.01% {n};" for n in range(9999))),
    "variables that lead to each other": "events {}\nhttp {"
    + "".join(f'map "$v{n}$v{n}" $v{n + 1} {{ default "$v{n}$v{n}"; }}' for n in range(200))
    + "server { location / { proxy_pass http://$v200; } } }",
    "a map for each server": "events {}\nhttp { map $host $x {"
    + "".join(f"h{n} u{n};" for n in range(3000))
    + "} "
    + "server { set $y $x; location / { proxy_pass http://$x$y; } }" * 3000
    + "}",
    "ranges of ports": "events {}\nstream {" + "server { listen 1-65535; proxy_pass 10.0.0.1:1; }" * 2000 + "}",
}


@pytest.mark.parametrize("conf", LARGE.values(), ids=LARGE.keys())
def test_ten_thousand_of_anything_take_seconds(conf: str) -> None:
    watch = pace.Stopwatch()
    summary.read({summary.MAIN: conf})
    assert watch.seconds() < 6  # about one on an idle machine
