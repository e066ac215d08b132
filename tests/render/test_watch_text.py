"""A look as a screen, as a line, as JSON: it fits, says how old a figure is, and prints nothing that a host made up."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hosttune.model import Use, View
from hosttune.model.roles import Role
from hosttune.render import render
from hosttune.render.screen import screen
from hosttune.render.view.view import line as line_of
from hosttune.watching.trends import History
from tests.watching.made import machine, tick, use


def view(used: int = 20_000, **more: int) -> View:
    history = History(machine())
    pair = ("10.0.0.9", "10.0.0.11:1883")
    pool = Use("ports", "ports 10.0.0.9 -> 10.0.0.11:1883", 0, 28_232, "ports", "sock_diag", 14_116, of=pair)
    far = Use("far", "a limit that is none", 5, 1 << 63, "files", "a file")
    first = tick(0.0, dataclasses.replace(pool, used=used - 2_000), use(5), far, Tcp_CurrEstab=100, Tcp_RetransSegs=0)
    last = tick(2.0, dataclasses.replace(pool, used=used), use(7), far, Tcp_CurrEstab=140, Tcp_RetransSegs=8, **more)
    for number in range(8, 0, -1):  # a forecast takes ten looks
        earlier = dataclasses.replace(pool, used=used - 2_000 - 200 * number)
        history.add(tick(-0.2 * number, earlier, use(5), far))
    history.add(first)
    return history.add(last)


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_screen_and_none_is_below_it(width: int) -> None:
    for height in (8, 24):
        rows = screen(view(), width, height)
        assert max(len(line) for line, _ in rows) <= width
        assert len(rows) <= height + 3  # what is below the last row of a tiny one is cut by the screen


def test_the_nearest_comes_first_with_its_share_rate_and_time() -> None:
    rows = screen(view(), 120, 24)
    line, grave = next((line, grave) for line, grave in rows if "1883" in line)
    assert grave is Role.DRIFT
    for told in ("20,000", "28,232", "71", "14,116", "+1,000", "8 s"):
        assert told in line


def test_what_is_full_and_what_slows_is_said_in_words() -> None:
    assert "FULL" in next(line for line, _ in screen(view(28_232), 80, 24) if "1883" in line)
    below = next(line for line, _ in screen(view(12_000), 80, 24) if "1883" in line)
    assert "~2 s" in below  # until the knee


def test_a_line_names_what_happens_and_the_nearest() -> None:
    line = line_of(view())
    assert "\n" not in line
    for told in ("established 140 (+20/s)", "retransmits 4/s", "20,000 of 28,232 (71 %, slow, full in 8 s)"):
        assert told in line
    assert "none" not in line


def test_an_old_figure_says_so() -> None:
    history = History(machine())
    seen = history.add(tick(9.0, use(900), ages={"conntrack": 7.0}))
    assert "7 s old" in line_of(seen)
    assert any("7 s" in line for line, _ in screen(seen, 80, 24))


def test_names_of_a_host_cannot_write_to_the_terminal() -> None:
    bad = dataclasses.replace(use(999), name="\x1b[2J\x07evil\n", kind="nofile", of=("1",))
    seen = History(machine("\x1b]0;x\x07")).add(tick(1.0, bad))
    told = line_of(seen) + render(seen, "table") + "".join(line for line, _ in screen(seen, 80, 24))
    assert "\x1b" not in told and "\x07" not in told and "evil" in told
    assert "\x1b" not in json.loads(render(seen, "json"))["uses"][0]["name"]
