"""The outcome of an apply: the capacity line says what moved, what binds, and what raises it."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.model import Bound, Machine, Remedy, Report, Verdict, Workload
from hosttune.model.acting import Result
from hosttune.model.document import Document
from hosttune.render import outcome
from hosttune.render.formats import table
from hosttune.render.page import Page

MACHINE = Machine("lb01", "debian", "12", "Debian 12", "6.1", 8, None, None, "", "", "", False, True, True, "net:[1]")


def report(*bounds: tuple[str, int, str], kernel: str = "6.1") -> Report:
    made = tuple(
        Bound(name, name, hard, None, 0, f"nofile:{name} now", "EMFILE", _needs(text)) for name, hard, text in bounds
    )
    machine = dataclasses.replace(MACHINE, kernel=kernel)
    return Report(machine, ("lb",), Workload(1_000_000, 1000), (), made)


def _needs(text: str) -> tuple[Remedy, ...]:
    return (Remedy("nofile:login/root", 1, None, "descriptors", text),) if text else ()


LOGIN = ("nofile of login root", 412, "nofile=2,000,200")
PORTS = ("ports", 28_232, "")
WIDE = ("ports", 1_548_288, "")
SAID = {
    "it moved as far as wanted": ((PORTS,), (WIDE,), "28,232 -> 1,548,288 connections; the first limit is ports"),
    "it moved and is too little": (
        (("ports", 100, ""),),
        (PORTS,),
        "100 -> 28,232 of 1,000,000 connections; next limit: ports",
    ),
    "it stood still": (
        (LOGIN, PORTS),
        (LOGIN, WIDE),
        "412 of 1,000,000 connections, as before: nofile of login root is still the limit; fix: nofile=2,000,200",
    ),
    "it was enough": ((WIDE,), (WIDE,), "1,548,288 connections, as before; the first limit is ports"),
    "nothing is known": ((), (), "capacity unknown: no limit could be read"),
}


@pytest.mark.parametrize("name", SAID)
def test_the_capacity_says_what_moved_and_what_binds(name: str) -> None:
    before, after, said = SAID[name]
    assert outcome.capacity(report(*before), report(*after)) == said


def test_a_service_that_waits_for_its_restart_is_not_to_be_raised_again() -> None:
    unit = ("unit/haproxy.service", 412, "LimitNOFILE=2,000,200")
    said = outcome.capacity(report(unit), report(unit), ("haproxy.service",))
    assert said.endswith("is still the limit until it is started again: systemctl restart haproxy.service")
    assert "LimitNOFILE" not in said


def test_an_image_has_only_its_next_boot() -> None:
    said = outcome.capacity(report(LOGIN, kernel=""), report(PORTS, kernel=""))
    assert said == "after a boot: 28,232 of 1,000,000 connections: ports is the limit"


@pytest.mark.parametrize("width", [60, 80])
def test_rows_fit_the_terminal(width: int) -> None:
    rows = [
        Result(
            f"sysctl:net.ipv4.{name}",
            Verdict.DRIFT,
            "190,000 250,000 380,000",
            "327,680 491,520 737,280",
            "the default",
            "a b " * 40,
        )
        for name in ("tcp_mem", "x" * 30)
    ]
    text = table.write(Document("", (), tuple(outcome.blocks(rows, True))), Page(width=width))
    assert max(map(len, text.splitlines())) <= width
    assert "190,000 250,000 380,000 -> " in text and "DRIFT: a b" in text
