"""The report for a person: the one number first, then what binds, then what does not hold."""

from __future__ import annotations

from hosttune.model import Finding, PortPool, Report, Severity, Unknown, Verdict
from hosttune.printable import clean, cleaned
from hosttune.render.view import text_parts, where_words
from hosttune.render.view.figures import bar, cut, fold, hard_bounds, slow_bounds, value, wants

_BARS = 6
_RATES = 2
_SHOWN = (Verdict.FAIL, Verdict.DRIFT, Verdict.UNKNOWN)


def render(report: Report, *, verbose: bool = False, color: bool = False, width: int = 80, unicode: bool = True) -> str:
    """Return the text; no line is longer than `width` (at least 60), no escape sequence without `color`."""
    report = cleaned(report)
    width = max(width, 60)
    lines = [
        *text_parts.header(report, width),
        "",
        *text_parts.verdict(report, width),
        *_bars(report, width, unicode),
        "",
        *_findings(report, verbose, width, unicode),
        *(_pools(report, width) if verbose else []),
        *text_parts.remarks(report, width),
        *_footer(report, verbose, width),
    ]
    return text_parts.joined(lines, color, unicode)


def _bars(report: Report, width: int, unicode: bool) -> list[str]:
    hard = hard_bounds(report)
    wanted = report.workload.connections
    shown = [(n, b) for n, b in hard if n < wanted] or hard[:1]
    label = min(30, width // 3)
    most = max([wanted, *(n for n, _ in shown[:_BARS])])
    cells = max(10, width // 4)
    lines = ["", f"  {'wanted':<{label}} {bar(wanted, most, cells, unicode):<{cells}} {wanted:>13,}"]
    said = ""
    for number, bound in shown[:_BARS]:
        name = cut(clean(bound.name), label, unicode)
        lines.append(f"  {name:<{label}} {bar(number, most, cells, unicode):<{cells}} {number:>13,}")
        # what raises one backend's ports raises those of all: once is enough
        if bound.raised_by not in ("", said) and number < wanted:
            said = bound.raised_by
            lines.extend(fold(f"    raise it: {said}", width, "      "))
    if len(shown) > _BARS:
        lines.append(f"  and {len(shown) - _BARS} more below what is wanted (--format json)")
    return [*lines, *_rates(report, said, width), *text_parts.untold(report, width)]


def _rates(report: Report, said: str, width: int) -> list[str]:
    """Return what is too slow for the wanted rate: not a number of connections, so it has no bar."""
    slow = slow_bounds(report)
    lines: list[str] = []
    for number, bound in slow[:_RATES]:
        lines.extend(fold(f"  only {number:,} new connections/s: {bound.name}; {bound.fails}", width, "    "))
        if bound.raised_by not in ("", said):
            said = bound.raised_by
            lines.extend(fold(f"    raise it: {said}", width, "      "))
    return lines + ([f"  and {len(slow) - _RATES} more below the wanted rate (--format json)"] if slow[_RATES:] else [])


def _findings(report: Report, verbose: bool, width: int, unicode: bool) -> list[str]:
    order = list(Verdict)
    ranked = sorted(report.findings, key=lambda f: (-f.severity.rank, order.index(f.verdict), str(f.subject)))
    lines: list[str] = []
    alike: dict[str, list[str]] = {}
    for finding in sorted(ranked, key=lambda f: f.verdict not in _SHOWN):
        folded = finding.verdict not in _SHOWN or finding.severity is Severity.INFO
        if not verbose and finding.verdict is Verdict.UNKNOWN:
            alike.setdefault(finding.because, []).append(finding.subject.name)
        elif verbose or not folded:
            lines.extend(_finding(finding, verbose, width, unicode))
    return lines + [line for why, names in alike.items() for line in _unknown(why, names, width)]


def _unknown(why: str, names: list[str], width: int) -> list[str]:
    """Return those that could not be told for one reason as one paragraph."""
    shown = ", ".join(dict.fromkeys(names))
    return fold(f"  UNKNOWN {shown}: {why}", width, " " * 10)


def _finding(finding: Finding, verbose: bool, width: int, unicode: bool) -> list[str]:
    row, reading = finding.requirement, finding.reading
    name = finding.subject.label
    verdict = {Verdict.NOT_APPLICABLE: "n/a"}.get(finding.verdict, finding.verdict.value)
    mark = f"  {verdict:<7} "
    if row is None or reading is None:
        lines = fold(f"{mark}{name}: {finding.because}", width, " " * 12)
        return [*lines, *fold(f"{' ' * 12}fix: {finding.fix}", width, " " * 14)] if finding.fix else lines
    now = value(reading.runtime, row.unit)
    boot = value(reading.boot, row.unit)
    layers = f"now {now}" + (f"  boot {boot}" if boot not in ("?", now) else "")
    line = f"{mark}{cut(clean(name), 34, unicode):<34} {layers}  wants {wants(row)}"
    lines = (
        [line]
        if len(line) <= width
        else [
            *fold(f"{mark}{name}", width, " " * 10),
            *fold(f"{' ' * 12}{layers}  wants {wants(row)}", width, " " * 12),
        ]
    )
    unseen = isinstance(reading.runtime, Unknown)
    explained = finding.verdict in (Verdict.DRIFT, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
    if unseen or explained or (reading.fresh and verbose):
        lines.extend(fold(f"{' ' * 12}{finding.because}", width, " " * 12))
    if verbose:
        lines.extend(_provenance(finding, width))
    return lines


def _provenance(finding: Finding, width: int) -> list[str]:
    row, reading = finding.requirement, finding.reading
    if row is None or reading is None:
        return []
    told = [f"why: {row.why} [{row.source}]", f"asked by {', '.join(row.roles)} ({row.origin}), {row.severity}"]
    if not reading.fresh:
        told.append(f"from {reading.origin}" if reading.origin else "nothing on disk sets it")
        told.extend(f"beats {loser} ({loser.text})" for loser in reading.beaten)
        told.extend(reading.notes)
    return [line for text in told for line in fold(f"{' ' * 12}{text}", width, " " * 14)]


def _pools(report: Report, width: int) -> list[str]:
    lines: list[str] = []
    for pool in report.pools:
        lines.extend(_pool(pool, width))
    return lines


def _pool(pool: PortPool, width: int) -> list[str]:
    least = f" (as few as {pool.free_least:,} if held ports came from bind)" if pool.free_least < pool.free else ""
    told = (
        f"{pool.source} -> {pool.backend} {pool.mode}: {pool.in_range:,} ports in {pool.low}-{pool.high}, "
        f"{pool.reserved:,} reserved, {pool.blocked:,} held; {pool.established:,} established, "
        f"{pool.time_wait:,} TIME_WAIT, {pool.other:,} other; {pool.free:,} free now{least}"
    )
    return [*fold(f"  {told}", width, "    "), *(x for note in pool.notes for x in fold(f"    {note}", width, "    "))]


def _footer(report: Report, verbose: bool, width: int) -> list[str]:
    def count(*verdicts: Verdict) -> int:
        return sum(f.verdict in verdicts for f in report.findings)

    minor = sum(f.verdict is Verdict.FAIL and f.severity is Severity.INFO for f in report.findings)
    hidden = f" ({minor} minor)" if minor and not verbose else ""
    parts = [
        f"{count(Verdict.FAIL)} failed{hidden}",
        f"{count(Verdict.DRIFT)} drift",
        f"{count(Verdict.UNKNOWN)} could not be read",
        f"{count(Verdict.OK)} hold" + ("" if verbose else " (-v)"),
    ]
    lines = ["", *fold("  " + " · ".join(parts), width, "    ")]
    first = next((f for f in report.findings if f.verdict is Verdict.FAIL and f.subject.kind == "sysctl"), None)
    if not verbose and report.command:
        lines.extend(fold(f"  details: {report.command} -v", width, "    "))
    if first:
        lines.extend(fold(f"  why: hosttune explain {first.subject.name}", width, "    "))
    if report.fix:
        lines.extend(where_words.shown("\n".join(report.fix), width, "  fix: ", "    "))
    return lines
