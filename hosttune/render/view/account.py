"""A recorded run: what it was, the maximum of each figure, where each bound lay, and how it went."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from hosttune.model import Account, Chart, Series
from hosttune.model.document import Block, Column, Curve, Document, Listing, Paragraph, Plot, Row, Table
from hosttune.render.figures import amount, memory

SCHEMA = "hosttune/account/1"
_ROWS = 16  # of a table over time: more is what the picture is for
_MOST = (
    Column("figure", cut=True),
    Column("most", right=True),
    Column("after", right=True),
    Column("bound", cut=True),
    Column("share", right=True),
)


def document(found: Account, verbose: bool) -> Document:
    """Return it, with a plot for each kind of figure."""
    run = found.runs[0] if found.runs else None
    about = [run.pretty, f"Linux {run.kernel}", f"{run.cpus} CPU" if run.cpus else ""] if run else []
    about += [memory(run.memory)] if run and run.memory else []
    blocks: tuple[Block, ...] = (
        *_about(found),
        Table(_MOST, tuple(_maxima(found)), "Maxima and bounds"),
        *((Listing("limits that changed", found.changes),) if found.changes else ()),
        *(_plot(chart, found.seconds) for chart in found.charts),
        *_settings(found),
    )
    return Document(title(found), tuple(part for part in about if part), blocks)


def title(found: Account) -> str:
    """Return what was recorded: the host, when, how long."""
    run = found.runs[0] if found.runs else None
    host = f"{run.hostname}, " if run and run.hostname else ""
    started = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.started)) if run else ""
    return f"{host}{started}, {lasted(found.seconds)}"


def lasted(seconds: float) -> str:
    """Return a length of time."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _about(found: Account) -> Iterator[Paragraph]:
    for run in found.runs:
        parts = [run.pretty, f"Linux {run.kernel}" if run.kernel else "", f"{run.cpus} CPU" if run.cpus else ""]
        parts += [memory(run.memory) if run.memory else ""]
        yield Paragraph(f"{', '.join(part for part in parts if part)}; {run.command}")
    yield Paragraph(f"{found.ticks:,} looks in {lasted(found.seconds)}")
    if len(found.runs) > 1:
        yield Paragraph(f"{len(found.runs)} runs one after the other; nothing is known of the time between them")
    if found.torn:
        yield Paragraph(f"{found.torn:,} lines could not be read: a kill or a full disk tears one")


def _maxima(found: Account) -> Iterator[Row]:
    for chart in found.charts:
        for one in chart.series:
            most = f"{amount(one.most, one.unit)}{_unit(one)}"
            yield Row((one.name, most, f"{one.most_at:,.0f} s", bound(one), _share(one)))
        if chart.more:
            yield Row((f"{chart.more:,} more of: {chart.title.lower()}", "", "", "", ""))


def _unit(one: Series) -> str:
    return {"bytes": "", "per second": " /s"}.get(one.unit, f" {one.unit}")


def _share(one: Series) -> str:
    return f"{one.closest * 100:,.0f} %" if one.closest is not None and bound(one) else ""


def bound(one: Series) -> str:
    """Return where the bound lay: its steps, if it was changed, and the knee."""
    steps = [amount(value, one.unit) for _, value in one.limits]
    if not steps or steps == ["none"]:
        return ""
    told = ", then ".join(steps[:4]) + (", ..." if len(steps) > 4 else "")
    return told + (f"; slow from {one.knee:,}" if one.knee else "")


def _plot(chart: Chart, seconds: float) -> Plot:
    units = list(dict.fromkeys(one.unit for one in chart.series if one.unit != "bytes"))
    units += [f"{chart.more:,} more are not shown"] if chart.more else []
    curves = (
        Curve(one.name, _told(one), one.points, one.limits, one.knees, one.most, one.most_at) for one in chart.series
    )
    named = chart.title + (f" ({', '.join(units)})" if units else "")
    return Plot(named, chart.series[0].unit, seconds, tuple(curves), _over_time(chart, seconds))


def _told(one: Series) -> str:
    share = f" ({_share(one)})" if _share(one) else ""
    told = f"most {amount(one.most, one.unit)} after {one.most_at:,.0f} s{share}"
    return told + (f"; bound {bound(one)}" if bound(one) else "")


def _over_time(chart: Chart, seconds: float) -> Table:
    """Return a table of a few moments: of each figure the highest value since the moment before."""
    edges = moments(seconds)
    columns = [_highest(one, edges) for one in chart.series]
    rows = []
    for number, edge in enumerate(edges):
        found = [(column[number], one.unit) for column, one in zip(columns, chart.series, strict=True)]
        cells = ["" if value is None else amount(value, unit) for value, unit in found]
        if any(cells):
            rows.append(Row((f"{edge:,.0f}", *cells)))
    heads = (Column("s", right=True), *(Column(one.name, right=True, cut=True) for one in chart.series))
    return Table(heads, tuple(rows), chart.title)


def moments(seconds: float) -> list[float]:
    """Return the moments of a table: the beginning, the end, and equal steps between them."""
    count = min(_ROWS, max(int(seconds), 1))
    return [seconds * number / count for number in range(count + 1)]


def _highest(one: Series, edges: Sequence[float]) -> list[float | None]:
    found: list[float | None] = [None] * len(edges)
    number = 0
    for at, value in one.points:
        while number < len(edges) - 1 and at > edges[number] + 0.01:
            number += 1
        kept = found[number]
        if value is not None and (kept is None or value > kept):
            found[number] = value
    return found


def _settings(found: Account) -> Iterator[Table]:
    settings = found.runs[-1].settings if found.runs else {}
    if settings:
        rows = tuple(Row((key, value)) for key, value in sorted(settings.items()))
        yield Table((Column("sysctl"), Column("value", cut=True)), rows, "Settings")
