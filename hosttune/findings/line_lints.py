"""Mistakes in the lines of sysctl files, whatever runs now."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hosttune import kernel
from hosttune.findings.lint_facts import LintFacts, Readings, finding_of, in_force, number
from hosttune.model import Finding, Origin, Severity


def _negative_lines(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for key, text, origin in facts.assignments:
        # sizes only: elsewhere, as in kernel.perf_event_paranoid, -1 has a meaning
        if key.startswith(("net.core.", "net.ipv4.tcp_")) and any(number(w[1:]) for w in text.split() if w[0] == "-"):
            sentence = (
                f"{origin}: {text.strip()[:60]} is negative: refused or, where the kernel takes it, not `no limit`"
            )
            yield finding_of("negative-line", key, sentence, "write a positive value", Severity.ERROR)


def _triples(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    page = facts.page_size or kernel.LEAST_PAGE
    for key, text, origin in facts.assignments:
        if key not in ("net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"):
            continue
        numbers = [n for word in text.split() if (n := number(word)) is not None]
        if len(numbers) != 3:
            continue
        if numbers != sorted(numbers):
            yield finding_of(
                "out-of-order-line", key, f"{origin}: {text.strip()}: the three must rise", "sort the three"
            )
        # where the line is what runs, _tcp_mem has said so already
        judged = in_force(readings, key) == tuple(numbers)
        if key == "net.ipv4.tcp_mem" and not judged and facts.memory and numbers[2] * page > facts.memory // 2:
            yield finding_of(
                "tcp-mem-in-bytes",
                key,
                f"{origin}: {numbers[2]:,} pages are {numbers[2] * page / 2**30:,.1f} GiB; the unit is not bytes",
                f"keep the last number at or below {facts.memory // 2 // page:,}",
                Severity.ERROR,
            )


_GONE: dict[str, tuple[str, str, str]] = {
    "net.ipv4.tcp_tw_recycle": (
        "tw-recycle",
        "broke clients behind NAT and is gone since Linux 4.12",
        "delete the line",
    ),
}


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A number that a line should not set; `because` has a place for it."""

    name: str
    is_one: Callable[[int, LintFacts], bool]
    because: str
    fix: str
    severity: Severity = Severity.WARNING


_SMALL = _Mistake("buffer-ceiling", lambda n, _: n < 65536, "{:,} bytes for the whole host", "delete the line")
_NUMBERS = {
    "fs.file-max": _Mistake(
        "file-max-lowered",
        lambda n, facts: facts.raised_file_max and n < 1_000_000,
        "{:,} lowers what systemd sets",
        "delete the line",
    ),
    "net.core.rmem_max": _SMALL,
    "net.core.wmem_max": _SMALL,
    "net.ipv4.ip_autobind_reuse": _Mistake(
        "autobind-reuse", lambda n, _: n != 0, "it gives no ports back, it fails at random", "delete it"
    ),
    "net.ipv4.tcp_fin_timeout": _Mistake(
        "fin-timeout",
        lambda n, _: n < 60,
        "{} s ends FIN_WAIT2 early; it does not shorten TIME_WAIT, which is 60 s",
        "use tcp_tw_reuse, or more source addresses",
        Severity.INFO,
    ),
}


def _lines(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    for key, text, origin in facts.assignments:
        yield from _no_such_key(key, origin, facts)
        value, mistake = number(text), _NUMBERS.get(key)
        if mistake and value is not None and mistake.is_one(value, facts):
            because = f"{origin}: {mistake.because.format(value)}"
            yield finding_of(mistake.name, key, because, mistake.fix, mistake.severity)


def _no_such_key(key: str, origin: Origin, facts: LintFacts) -> Iterator[Finding]:
    if key in _GONE:
        name, why, fix = _GONE[key]
        yield finding_of(name, key, f"{origin}: {why}", fix)
    elif key.startswith("net.core.tcp_"):
        # every key of TCP is registered below net/ipv4: net/ipv4/sysctl_net_ipv4.c
        right = "net.ipv4." + key.removeprefix("net.core.")
        yield finding_of("no-such-key", key, f"{origin}: there is no such key; TCP's are in net.ipv4", f"write {right}")
    elif facts.keys is not None and key not in facts.keys and key.startswith(("net.", "fs.", "vm.", "kernel.")):
        near = difflib.get_close_matches(key, facts.keys, 1, 0.8)
        hint = f"did you mean {near[0]}?" if near else "is its module loaded at boot?"
        yield finding_of("no-such-key", key, f"{origin}: this kernel has no such key now; {hint}", hint, Severity.INFO)


def _set_twice(readings: Readings, facts: LintFacts) -> Iterator[Finding]:
    seen: dict[str, tuple[int, Origin]] = {}
    for key, text, origin in facts.assignments:
        value = number(text)
        if value is None:
            continue
        before = seen.get(key)
        if before and value < before[0]:
            yield finding_of(
                "set-twice",
                key,
                f"{origin} sets {value:,} and beats {before[1]}, which had {before[0]:,}",
                "delete one of the two lines",
            )
        seen[key] = (value, origin)


SIZES = (_negative_lines, _triples)
REST = (_lines, _set_twice)
