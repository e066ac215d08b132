"""Hand-built reports, held against what a person must read first."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

from hosttune.model import (
    Bound,
    Finding,
    Machine,
    Operator,
    Reading,
    Reason,
    Remedy,
    Report,
    Requirement,
    Severity,
    Subject,
    Unknown,
    Verdict,
    Workload,
)
from hosttune.render import render

MACHINE = Machine(
    "lb01", "debian", "12", "Debian 12", "6.1", 8, 33608216576, None, "", "", "", False, True, True, "net:[1]"
)


NEED = Remedy("sysctl:a.b", 5, None, "entries", "raise-me")


def finding(name: str, verdict: Verdict, severity: Severity = Severity.ERROR) -> Finding:
    subject = Subject("sysctl", name)
    row = Requirement(subject, Operator.AT_LEAST, (65535,), "short queue", "ip-sysctl", severity, ("lb",))
    return Finding(f"lb:{name}", subject, verdict, severity, "because", row, Reading(subject, 128, 128))


def bound(name: str, hard: int | Unknown, knee: int | None = None) -> Bound:
    return Bound(name, name, hard, knee, 0, "reading", "EADDRNOTAVAIL", (NEED,))


def report(findings: tuple[Finding, ...] = (), bounds: tuple[Bound, ...] = (), **more: object) -> Report:
    made = Report(MACHINE, ("lb",), Workload(1_000_000, 1000), findings, bounds, command="hosttune check --role lb")
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def table(noun: Report, **how: bool | int) -> str:
    return render(noun, "table", **how)  # type: ignore[arg-type]


def test_the_smallest_bound_is_named_whatever_the_order() -> None:
    text = table(report(bounds=(bound("memory", 900_000), bound("ports", 28232, 14116))))
    assert "NOT READY for 1,000,000 connections, 1,000/s (default of role lb)" in text
    assert "28,232 connections: ports; slow above 14,116" in text


def test_enough_is_said_with_the_first_limit() -> None:
    text = table(report(bounds=(bound("memory", 3_000_000),)))
    assert "  READY for 1,000,000" in text and "3,000,000" in text


def test_a_bound_that_could_not_be_told_is_shown_with_its_reason() -> None:
    text = table(report(bounds=(bound("conntrack", Unknown(Reason.INVISIBLE)), bound("memory", 3_000_000))))
    assert "conntrack: host-wide, not visible from this network namespace" in text
    assert "UNKNOWN whether ready" in text and "1 limit unknown" in text


def test_a_rate_is_no_number_of_connections_and_is_said_where_it_is_too_low() -> None:
    slow = dataclasses.replace(bound("TIME_WAIT", 470), unit="connections/s")
    fast = dataclasses.replace(bound("accept queue", 5000), unit="connections/s")
    text = table(report(bounds=(bound("memory", 900_000), slow, fast)))
    assert "900,000 connections: memory" in text
    assert "only 470 new connections/s: TIME_WAIT" in text and "accept queue" not in text
    assert text.count("raise-me") == 1  # what raises one raises the other: once is enough


def test_bounds_that_could_not_be_told_for_one_reason_are_one_line() -> None:
    unseen = Unknown(Reason.INVISIBLE, "look there")
    text = table(report(bounds=(bound("orphans", unseen), bound("neighbours", unseen))))
    assert "orphans, neighbours: host-wide, not visible from this network namespace: look there" in " ".join(
        text.split()
    )


def test_minor_and_held_findings_are_folded_until_verbose() -> None:
    found = (finding("a.minor", Verdict.FAIL, Severity.INFO), finding("b.held", Verdict.OK))
    short, long = table(report(found)), table(report(found), verbose=True)
    assert "a.minor" not in short and "1 note (-v)" in short and "b.held" not in short
    assert "a.minor" in long and "b.held" in long and "short queue" in long


def test_what_root_would_add_waivers_and_the_next_command_are_printed() -> None:
    waived = dataclasses.replace(finding("x.y", Verdict.FAIL).requirement, waived="old kernel")  # type: ignore[type-var]
    text = table(report(missing=("sockets of others",), waived=(waived,), warnings=("tuned runs",)))
    for said in ("sockets of others", "old kernel", "tuned runs", "0 errors"):
        assert said in text


def test_markup_of_a_host_is_not_interpreted() -> None:
    text = table(report(machine=dataclasses.replace(MACHINE, hostname="[red]x[/red]")), color=True)
    assert "[red]x[/red]" in text


def test_ascii_only_where_the_terminal_has_no_more() -> None:
    text = table(report((finding("a" * 60, Verdict.FAIL),), (bound("p" * 60, 28232),)), unicode=False)
    assert text.isascii()


def test_fits_a_screen_with_many_failures() -> None:
    found = tuple(finding(f"net.k{i}", Verdict.FAIL if i < 12 else Verdict.OK) for i in range(40))
    text = table(report(found, tuple(bound(f"b{i}", 1000 * (i + 1)) for i in range(6))))
    assert text.count("\n") <= 40


def test_without_colour_rich_is_not_imported() -> None:
    code = "import sys, hosttune.render.formats.table; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
