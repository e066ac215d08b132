"""A recorded run: what it was, the maximum of each figure, where each bound lay, and how it went."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from hosttune.model import Account, Chart, Series
from hosttune.model.document import Block, Column, Document, Listing, Paragraph, Plot, Row, Table
from hosttune.model.drawings import Curve
from hosttune.render.figures import amount, memory

SCHEMA = "hosttune/account/1"
_ROWS = 16  # of a table over time: more is what the picture is for
_MOST = (
    Column("metric", cut=True),
    Column("most", right=True),
    Column("after", right=True),
    Column("limit", cut=True),
    Column("share", right=True),
)


def document(account: Account, verbose: bool) -> Document:
    """Return it, with a plot for each kind of figure."""
    run = account.runs[0] if account.runs else None
    about = [run.pretty, f"Linux {run.kernel}", f"{run.cpus} CPU" if run.cpus else ""] if run else []
    about += [memory(run.memory)] if run and run.memory else []
    blocks: tuple[Block, ...] = (
        *_about(account),
        Table(_MOST, tuple(_maxima(account)), "Maxima and limits"),
        *((Listing("limits that changed", account.changes),) if account.changes else ()),
        *(_plot(chart, account.seconds) for chart in account.charts),
        *_settings(account),
    )
    return Document(title(account), tuple(part for part in about if part), blocks)


def title(account: Account) -> str:
    """Return what was recorded: the host, when, how long."""
    run = account.runs[0] if account.runs else None
    host = f"{run.hostname}, " if run and run.hostname else ""
    started = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.started)) if run else ""
    return f"{host}{started}, {lasted(account.seconds)}"


def lasted(seconds: float) -> str:
    """Return a length of time."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _about(account: Account) -> Iterator[Paragraph]:
    for run in account.runs:
        parts = [run.pretty, f"Linux {run.kernel}" if run.kernel else "", f"{run.cpus} CPU" if run.cpus else ""]
        parts += [memory(run.memory) if run.memory else ""]
        yield Paragraph(f"{', '.join(part for part in parts if part)}; {run.command}")
    yield Paragraph(f"{account.ticks:,} looks in {lasted(account.seconds)}")
    if len(account.runs) > 1:
        yield Paragraph(f"{len(account.runs)} runs one after the other; nothing is known of the time between them")
    if account.torn:
        yield Paragraph(f"{account.torn:,} lines are damaged, as a kill or a full disk leaves them")


def _maxima(account: Account) -> Iterator[Row]:
    for chart in account.charts:
        for series in chart.series:
            most = f"{amount(series.most, series.unit)}{_unit(series)}"
            yield Row((series.name, most, f"{series.most_at:,.0f} s", bound(series), _share(series)))
        if chart.more:
            yield Row((f"{chart.more:,} more of: {chart.title.lower()}", "", "", "", ""))


def _unit(series: Series) -> str:
    return {"bytes": "", "per second": " /s"}.get(series.unit, f" {series.unit}")


def _share(series: Series) -> str:
    return f"{series.closest * 100:,.0f} %" if series.closest is not None and bound(series) else ""


def bound(series: Series) -> str:
    """Return where the bound lay: its steps, if it was changed, and the knee."""
    steps = [amount(value, series.unit) for _, value in series.limits]
    if not steps or steps == ["none"]:
        return ""
    text = ", then ".join(steps[:4]) + (", ..." if len(steps) > 4 else "")
    return text + (f"; slow above {series.knee:,}" if series.knee else "")


def _plot(chart: Chart, seconds: float) -> Plot:
    units = list(dict.fromkeys(series.unit for series in chart.series if series.unit != "bytes"))
    units += [f"{chart.more:,} more are not shown"] if chart.more else []
    curves = (
        Curve(series.name, _note(series), series.points, series.limits, series.knees, series.most, series.most_at)
        for series in chart.series
    )
    named = chart.title + (f" ({', '.join(units)})" if units else "")
    return Plot(named, chart.series[0].unit, seconds, tuple(curves), _over_time(chart, seconds))


def _note(series: Series) -> str:
    share = f" ({_share(series)})" if _share(series) else ""
    note = f"most {amount(series.most, series.unit)} after {series.most_at:,.0f} s{share}"
    return note + (f"; limit {bound(series)}" if bound(series) else "")


def _over_time(chart: Chart, seconds: float) -> Table:
    """Return a table of a few moments: of each figure the highest value since the moment before."""
    edges = moments(seconds)
    columns = [_highest(series, edges) for series in chart.series]
    rows = []
    for number, edge in enumerate(edges):
        highest = [(column[number], series.unit) for column, series in zip(columns, chart.series, strict=True)]
        cells = ["" if value is None else amount(value, unit) for value, unit in highest]
        if any(cells):
            rows.append(Row((f"{edge:,.0f}", *cells)))
    heads = (Column("s", right=True), *(Column(series.name, right=True, cut=True) for series in chart.series))
    return Table(heads, tuple(rows), chart.title)


def moments(seconds: float) -> list[float]:
    """Return the moments of a table: the beginning, the end, and equal steps between them."""
    count = min(_ROWS, max(int(seconds), 1))
    return [seconds * number / count for number in range(count + 1)]


def _highest(series: Series, edges: Sequence[float]) -> list[float | None]:
    highest: list[float | None] = [None] * len(edges)
    number = 0
    for at, value in series.points:
        while number < len(edges) - 1 and at > edges[number] + 0.01:
            number += 1
        kept = highest[number]
        if value is not None and (kept is None or value > kept):
            highest[number] = value
    return highest


def _settings(account: Account) -> Iterator[Table]:
    settings = account.runs[-1].settings if account.runs else {}
    if settings:
        rows = tuple(Row((key, value)) for key, value in sorted(settings.items()))
        yield Table((Column("sysctl"), Column("value", cut=True)), rows, "Settings")
