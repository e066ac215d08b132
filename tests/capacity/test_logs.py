"""The lines that programs write at a bound: which are found, for whom, and that they read as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.capacity.logs import appears, log_line, log_lines
from hosttune.model import BindMode
from hosttune.model.programs import ANY, KnownProgram, known_as
from hosttune.programs import knowledge

KNOWN = knowledge.every()


def named(program: str) -> KnownProgram:
    return known_as(KNOWN, program)


# lines as people have reported them (haproxy: a chat provider's post on 4 backends of one address; nginx: a post on
# 48,000 sockets in TIME_WAIT; the proxy's and the broker's limits: their issue trackers)
REPORTED = [
    ("haproxy", "ports", BindMode.NO_PORT, "Connect() failed for backend socket: no free ports."),
    (
        "nginx",
        "ports",
        BindMode.CONNECT,
        "2015/04/17 [crit] 1#0: *7 connect() to 127.0.0.1:80 failed (99: Cannot assign requested address) while "
        "connecting to upstream, client: 10.0.0.9",
    ),
    (
        "haproxy",
        "nofile",
        BindMode.NO_PORT,
        "Proxy tcp-443 reached process FD limit (maxsock=37563). Please check 'ulimit-n' and restart.",
    ),
    (
        "mosquitto",
        "nofile",
        BindMode.CONNECT,
        "1546300800: Unable to accept new connection, system socket count has been exceeded. Try increasing "
        '"ulimit -n" or equivalent.',
    ),
]


@pytest.mark.parametrize(("program", "bound", "mode", "line"), REPORTED)
def test_the_lines_that_people_report_are_announced(program: str, bound: str, mode: BindMode, line: str) -> None:
    assert any(appears(known, line) for known in log_lines(named(program), bound, mode))


@pytest.mark.parametrize("name", ["haproxy", "/usr/sbin/haproxy", "haproxy.service", "haproxy@lb1.service"])
def test_a_program_is_known_by_its_process_its_path_and_its_unit(name: str) -> None:
    assert (
        log_line(named(name), "ports", BindMode.EXPLICIT)
        == log_line(named("haproxy"), "ports", BindMode.EXPLICIT)
        != ""
    )


def test_the_way_of_binding_decides_which_line_it_is() -> None:
    late, early = (log_line(named("haproxy"), "ports", mode) for mode in (BindMode.NO_PORT, BindMode.EXPLICIT))
    assert "no free ports" in late
    assert "Cannot bind" in early
    assert log_line(named("tsung"), "ports", BindMode.BIND) == "error_connect_eaddrinuse"
    assert log_line(named("tsung"), "ports", BindMode.NO_PORT) == ""


def test_alternatives_are_joined_for_people() -> None:
    first, second = log_lines(named("mosquitto"), "nofile", BindMode.CONNECT)
    assert log_line(named("mosquitto"), "nofile", BindMode.CONNECT) == f"{first} or: {second}"


@given(st.text(), st.sampled_from(["", "nofile", "ports", "fs.nr_open"]), st.sampled_from(list(BindMode)))
def test_of_a_program_that_is_not_known_nothing_is_said(program: str, bound: str, mode: BindMode) -> None:
    if not any(name in program for name in ("haproxy", "nginx", "mosquitto", "tsung")):
        assert log_lines(named(program), bound, mode) == ()


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n…")), min_size=1, max_size=4), st.data())
def test_an_ellipsis_stands_for_anything_on_one_line(parts: list[str], data: st.DataObject) -> None:
    fill = st.text(alphabet=st.characters(exclude_categories=["Zl", "Zp", "Cc"]))
    written = parts[0] + "".join(data.draw(fill) + part for part in parts[1:])
    assert appears(ANY.join(parts), f"before\n{written}\nafter")


def test_a_line_is_text_not_a_pattern() -> None:
    assert not appears("a.c (1)", "abc (1)")
    assert not appears("limit … here", "limit\nhere")


@pytest.mark.parametrize(
    ("program", "bound", "written"),
    [
        ("nginx", "worker-connections", "2026/11/28 20:25:58 [alert] 7#7: 20 worker_connections are not enough"),
        ("nginx", "max-conns", "[error] 7#7: *8 no live upstreams while connecting to upstream, client: 127.0.0.1"),
        (
            "mosquitto",
            "max-connections",
            "1795897558: Client connection from 127.0.0.1 denied: max_connections exceeded.",
        ),
        (
            "envoy",
            "circuit-breaker",
            "upstream connect error or disconnect/reset before headers. reset reason: overflow",
        ),
    ],
)
def test_a_limit_of_its_own_is_announced_as_the_program_writes_it(program: str, bound: str, written: str) -> None:
    assert appears(log_line(named(program), bound, BindMode.CONNECT), written)


def test_a_proxy_writes_of_its_queue_and_not_of_what_it_does_not_accept() -> None:
    written = "127.0.0.1:47078 [28/Nov/2026:20:26:16.984] f b/<NOSRV> 502/-1/501 0 sQ 6/6/5/0/0 0/1"
    assert appears(log_line(named("haproxy"), "maxconn", BindMode.NO_PORT, "met"), written)
    assert log_line(named("haproxy"), "maxconn", BindMode.NO_PORT, "silent") == ""
