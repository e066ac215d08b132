"""HAProxy's command line: its files in order, whatever else stands there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.shelves.haproxy.arguments import command


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("-f /etc/haproxy/haproxy.cfg", "/etc/haproxy/haproxy.cfg"),
        ("-Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S /run/haproxy-master.sock", "/etc/haproxy/haproxy.cfg"),
        ("-f a -f conf.d -- b c", "a conf.d b c"),
        ("-db -dM0x50 -q -V -L me -x /run/a.sock -f a", "a"),
        ("-sf 12 13 14 -x sockpair@5 -W -f a -D", "a"),
        ("-st 12 -f a", "a"),
        ("-m 100 -N 20 -n 30 -f a", "a"),
        ("-cc feature(OPENSSL) -f a", "a"),
        ("-- a b", "a b"),
        ("-f", ""),
        ("", ""),
        ("- x -f a", "a"),
    ],
)
def test_the_files(line: str, paths: str) -> None:
    assert command(["haproxy", *line.split()]).files == tuple(paths.split())


def test_what_else_decides() -> None:
    given_ = command(["haproxy", "-C", "/srv", "-n", "500", "-f", "a"])
    assert (given_.prefix, given_.enters, given_.overrides) == ("/srv", True, ("maxconn 500",))
    assert given_.environment


@pytest.mark.parametrize("number", ["0", "-1", "x", "٣", ""])
def test_a_maxconn_that_is_none(number: str) -> None:
    assert command(["haproxy", "-f", "a", "-n", number]).overrides == ()


@given(st.lists(st.sampled_from(["-f", "-C", "-n", "--", "-sf", "-S", "-db", "a", "", "-"]) | st.text(max_size=9)))
def test_any_words(words: list[str]) -> None:
    made = command(["haproxy", *words])
    assert set(made.paths) <= {*words}
