"""All bounds for a person: bars on a log scale, how each shows, and the shortest list of what reaches the target."""

from __future__ import annotations

from hosttune.model import Bound, Report, Unknown
from hosttune.printable import clean, cleaned
from hosttune.render.view import text_parts, where_words
from hosttune.render.view.figures import bar, cut, fold, hard_bounds, slow_bounds


def render(report: Report, *, verbose: bool = False, color: bool = False, width: int = 80, unicode: bool = True) -> str:
    """Return the text; `verbose` adds what each bound is read from and what it assumes."""
    report = cleaned(report)
    width = max(width, 60)
    lines = [
        *text_parts.header(report, width),
        "",
        *text_parts.verdict(report, width),
        *_bars(report, verbose, width, unicode),
        *_rates(report, verbose, width),
        *text_parts.untold(report, width),
        "",
        *_reach(report, width),
        *text_parts.remarks(report, width),
        *_fix(report, width),
    ]
    return text_parts.joined(lines, color, unicode)


def _fix(report: Report, width: int) -> list[str]:
    if not report.fix:
        return []
    return ["", *where_words.shown("\n".join(report.fix), width, "  fix what is settings: ", "    ")]


def _bars(report: Report, verbose: bool, width: int, unicode: bool) -> list[str]:
    hard = hard_bounds(report)
    wanted = report.workload.connections
    label, cells = min(34, width // 3), max(10, width // 4)
    # a limit of 2**63 would squeeze all others: what lies far beyond the wanted number has a full bar
    most = max([wanted, *(number for number, _ in hard if number <= wanted * 100)])
    lines = ["", f"  {'wanted':<{label}} {bar(wanted, most, cells, unicode):<{cells}} {wanted:>13,}"]
    for number, bound in hard:
        name = cut(clean(bound.name), label, unicode)
        lines.append(f"  {name:<{label}} {bar(number, most, cells, unicode):<{cells}} {number:>13,}")
        if number < wanted or verbose:
            lines.extend(_detail(bound, verbose, width))
        elif _slow(bound, wanted):
            told = "; ".join([f"slow from {bound.knee:,}", *bound.notes[:1]])
            lines.extend(fold(f"    {told}", width, "      "))
    never = [bound.name for bound in report.bounds if bound.hard is None and bound.notes[:1] == ("no bound",)]
    return lines + (fold(f"  no bound: {', '.join(never)}", width, "    ") if never else [])


def _slow(bound: Bound, wanted: int) -> bool:
    """Say whether a bound slows before the wanted number is reached."""
    return bound.knee is not None and bound.knee < wanted


def _detail(bound: Bound, verbose: bool, width: int) -> list[str]:
    """Return how a bound shows and what raises it; `verbose` adds where the number comes from."""
    told = [f"slow from {bound.knee:,}"] if bound.knee else []
    told += [f"{bound.used:,} used now"] if bound.used else []
    lines = ["; ".join(told)] if told else []
    lines += [*bound.notes[:1]] if told and not verbose else []
    lines += [f"shows as {bound.fails}"] if bound.fails else []
    lines += [f"log: {bound.log}"] if bound.log else []
    lines += [f"counter: {bound.counter}"] if bound.counter else []
    lines += [f"raise it: {bound.raised_by}"] if bound.raised_by else []
    if verbose:
        lines += [f"from {bound.reads}"] if bound.reads else []
        lines += bound.notes
    return [line for text in lines for line in fold(f"    {text}", width, "      ")]


def _rates(report: Report, verbose: bool, width: int) -> list[str]:
    """Return the bounds of the rate of new connections: those below the wanted rate, with `verbose` all."""
    wanted = report.workload.rate
    slow = {bound.id for _, bound in slow_bounds(report)}
    lines: list[str] = []
    for bound in report.bounds:
        if bound.unit == "connections" or not (bound.id in slow or verbose):
            continue
        if isinstance(bound.hard, int):
            lines += fold(f"  {bound.name}: {bound.hard:,} new connections/s of {wanted:,}", width, "    ")
            lines += _detail(bound, verbose, width)
    return ["", *lines] if lines else []


def _reach(report: Report, width: int) -> list[str]:
    load = report.workload
    target = f"{load.connections:,} connections at {load.rate:,}/s"
    unknown = sum(isinstance(b.hard, Unknown) for b in report.bounds)
    but = f", as far as can be told ({unknown} bound{'s' * (unknown != 1)} cannot)" if unknown else ""
    if report.remedies:
        lines = [f"  {target} take{but}:", *(f"    {need.text}" for need in report.remedies)]
    elif hard_bounds(report) and hard_bounds(report)[0][0] < load.connections:
        lines = [f"  Nothing that can be set here carries {target}{but}."]
    else:
        lines = [f"  Carries {target}{but}."]
    slow = [b for number, b in hard_bounds(report) if number >= load.connections and _slow(b, load.connections)]
    if slow:
        first = min(slow, key=lambda b: b.knee or 0)
        lines.append(f"  But {first.name} are slow from {first.knee:,}: {'; '.join(first.notes[:1])}".rstrip(": "))
    return [line for text in lines for line in fold(text, width, "      ")]
