"""Numbers, values and untrusted text in words that fit a terminal."""

from __future__ import annotations

import datetime
import re
import textwrap
from fractions import Fraction

from hosttune.model import Bound, Report, Requirement, Scope, Unknown, Value
from hosttune.printable import clean
from hosttune.render import scale, spans


def memory(size: int) -> str:
    """Return a size in bytes with its unit."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.0f} MiB"


def counted(number: int | None, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one; "?" where the number is not known yet."""
    if number is None:
        return f"? {_plural(noun)}"
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def percent(share: Fraction) -> str:
    """Return a share in percent, with no more digits than it has."""
    return f"{float(share * 100):.4g} %"


def value(raw: Value | Unknown | None, unit: str = "") -> str:
    """Return a value for a column; ports are names more than numbers and stay plain."""
    if raw is None or isinstance(raw, Unknown):
        return "?"
    plain = unit in ("port", "ports")
    if isinstance(raw, str):
        return clean(raw) or "(empty)"
    numbers = raw if isinstance(raw, tuple) else (raw,)
    return " ".join(str(n) if plain else f"{n:,}" for n in numbers)


def numbers(text: str, key: str) -> str:
    """Return the words of a sysctl or a limit as `value` shows them; ports, by the name of their key, stay plain."""
    if "port" in key.rpartition(".")[2]:
        return text
    return " ".join(f"{int(word):,}" if re.fullmatch(r"-?[0-9]+", word) else word for word in text.split(" "))


def when(stamp: str) -> str:
    """Return a time of the journal, 2026-11-24T22:58:17Z, as people write it; other text as it is."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ", stamp)
    return f"{match[1]} {match[2]} UTC" if match else clean(stamp)


def clock(stamp: str) -> str:
    """Return a time of the journal as a clock on the wall of this host has it."""
    then = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    return then.astimezone().strftime("%H:%M:%S %Z")


def wants(requirement: Requirement) -> str:
    """Return what a requirement wants, short enough for a column."""
    signs = {"at_least": ">= ", "at_most": "<= "}
    between = {"between": " to ", "one_of": " or "}.get(requirement.operator, " ")
    required = requirement.wants
    if requirement.subject.kind == "nofile":
        # soft and hard alike are one number
        required = tuple(v[0] if isinstance(v, tuple) and len(set(v)) == 1 else v for v in required)
    joined = between.join(value(v, requirement.unit) for v in required)
    return signs.get(requirement.operator, "") + joined


def bar(amount: int, most: int, width: int, unicode: bool, least: int = 1) -> str:
    """Return a bar on a log scale from `least` to `most`, `width` cells long."""
    cells = scale.place(amount, least, most) * width
    whole = int(cells)
    if not unicode:
        return "#" * max(whole, 1)
    rest = int((cells - whole) * 8)
    return "█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "") or "▏"


def fold(text: str, width: int, indent: str) -> list[str]:
    """Return untrusted text as lines of at most `width`, the later ones indented.

    A word is broken only where it is wider than a line; one that has no room behind the indent begins further to the
    left. What is to be copied stays in one line, however long that gets: a command between backticks, an address of a
    page.
    """

    def joined(found: re.Match[str]) -> str:
        copied = len(found[0]) <= width or spans.is_command(found[1])
        return found[0].replace(" ", _JOINED) if copied else found[0]

    whole = _QUOTED.sub(joined, clean(text))
    made = textwrap.wrap(whole, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
    return [part.replace(_JOINED, " ") for line in made for part in _within(line, width)] or [""]


def _within(line: str, width: int) -> list[str]:
    """Return a line that is too wide, for it is one word or what was joined to one, as lines that are not."""
    word = line.lstrip(" ").replace(_JOINED, " ")
    if len(line) <= width or "://" in word or any(map(spans.is_command, _QUOTED.findall(word))):
        return [line]
    if len(word) <= width:
        return [word.rjust(width)]
    return textwrap.wrap(word, width, break_on_hyphens=False)


_QUOTED = re.compile(r"`([^`\s][^`]*)`")
_JOINED = "\u00a0"


def cut(text: str, width: int, unicode: bool) -> str:
    """Return text that fits `width` cells."""
    if len(text) <= width:
        return text
    mark = "…" if unicode else "~"
    return text[: max(width - 1, 0)] + mark


def reached(bound: Bound) -> str:
    """Return at how many it stops: where that is known as a range only, both ends."""
    number = f"{bound.hard:,}" if isinstance(bound.hard, int) else "?"
    return number if bound.most is None else f"{number} to {bound.most:,}"


def hard_bounds(report: Report) -> list[tuple[int, Bound]]:
    """Return the bounds that are known, the smallest first."""
    # towards a single backend the sum over all backends is the same bound again
    single = _single(report, "ports")
    bounds = [b for b in report.bounds if b.unit == "connections" and not (single and b.scope is Scope.ALL)]
    return sorted(((b.hard, b) for b in bounds if isinstance(b.hard, int)), key=lambda pair: pair[0])


def nothing_read(report: Report) -> bool:
    """Say whether there are bounds that could not be told, and none that could."""
    return not hard_bounds(report) and any(isinstance(bound.hard, Unknown) for bound in report.bounds)


def nothing_known(report: Report) -> bool:
    """Say whether no limit, no file and no system was read: what defaults would make of such a host is not its own."""
    readings = [finding.reading for finding in report.findings if finding.reading]
    silent = all(isinstance(reading.runtime, Unknown) and reading.origin is None for reading in readings)
    recorded = report.taken is None
    return recorded and nothing_read(report) and silent and not (report.machine.kernel or report.machine.pretty)


def unread(report: Report) -> list[str]:
    """Return which program's configuration cannot be read, and why; [] where each was read that runs."""
    return [
        f"{bound.name} cannot be read: {bound.hard.detail.removeprefix(f'{_program(bound)}: ')}"
        for bound in report.bounds
        if bound.kind == "configuration" and isinstance(bound.hard, Unknown)
    ]


def _program(bound: Bound) -> str:
    return bound.name.removeprefix("the configuration of ")


def slow_bounds(report: Report) -> list[tuple[int, Bound]]:
    """Return the bounds in new connections a second that are below the target rate, the smallest first."""
    single = _single(report, "churn")
    bounds = [b for b in report.bounds if b.unit != "connections" and not (single and b.scope is Scope.ALL)]
    slow = [(b.hard, b) for b in bounds if isinstance(b.hard, int) and b.hard < report.workload.rate]
    return sorted(slow, key=lambda pair: pair[0])


def _single(report: Report, kind: str) -> bool:
    bounds = [bound for bound in report.bounds if bound.kind == kind]
    # where source NAT leaves less, the sum is what it leaves
    left = [bound.hard for bound in report.bounds if bound.kind == "nat" and kind == "ports"]
    narrowed = any(bound.hard in left for bound in bounds if bound.scope is Scope.ALL)
    return len(bounds) == 2 and (bounds[0].hard == bounds[1].hard or narrowed)


NO_LIMIT = 1 << 62
"""At and above it a limit is none: the kernel's own defaults for "as many as there can be" lie there."""


def amount(value: float | None, unit: str) -> str:
    """Return a figure over time, with its unit where that is not said elsewhere; "none" for a limit that is none."""
    if value is None or value >= NO_LIMIT:
        return "none"
    if unit == "bytes":
        return memory(int(value))
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"
