"""A recorded run as Markdown: what it was, the maximum of each figure, where each bound lay, and how it went."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hosttune.model import Account, Chart, Run, Series
from hosttune.printable import clean, cleaned
from hosttune.render.view.figures import memory

_ROWS = 16  # of a table over time: more is what the picture is for
_NONE = 1 << 62


def render(found: Account) -> str:
    """Return the document."""
    found = cleaned(found)
    lines = [f"# {_cell(title(found))}", "", *_about(found), "", *_maxima(found), ""]
    lines += _changes(found)
    for chart in found.charts:
        lines += [*_over_time(chart, found.seconds), ""]
    lines += _settings(found)
    return "\n".join(lines).rstrip() + "\n"


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


def figure(value: float | None, unit: str) -> str:
    """Return a number with its unit where that is not said elsewhere; "none" for a limit that is none."""
    if value is None or value >= _NONE:
        return "none"
    if unit == "bytes":
        return memory(int(value))
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"


def bound(one: Series) -> str:
    """Return where the bound lay: its steps, if it was changed, and the knee."""
    steps = [figure(value, one.unit) for _, value in one.limits]
    if not steps or steps == ["none"]:
        return ""
    told = ", then ".join(steps[:4]) + (", ..." if len(steps) > 4 else "")
    return told + (f"; slow from {one.knee:,}" if one.knee else "")


def _about(found: Account) -> list[str]:
    lines = []
    for run in found.runs:
        parts = [_cell(run.pretty), f"Linux {_cell(run.kernel)}" if run.kernel else ""]
        parts += [f"{run.cpus} CPU" if run.cpus else "", memory(run.memory) if run.memory else ""]
        lines.append(f"- {', '.join(part for part in parts if part)}; `{_cell(run.command)}`")
    lines.append(f"- {found.ticks:,} looks in {lasted(found.seconds)}")
    if len(found.runs) > 1:
        lines.append(f"- {len(found.runs)} runs one after the other; nothing is known of the time between them")
    if found.torn:
        lines.append(f"- {found.torn:,} lines could not be read: a kill or a full disk tears one")
    return lines


def _maxima(found: Account) -> list[str]:
    lines = ["## Maxima and bounds", "", "| figure | most | after | bound | share |", "|---|---:|---:|---|---:|"]
    for chart in found.charts:
        for one in chart.series:
            share = f"{one.closest * 100:,.0f} %" if one.closest is not None and bound(one) else ""
            most = f"{figure(one.most, one.unit)}{_unit(one)}"
            lines.append(f"| {_cell(one.name)} | {most} | {one.most_at:,.0f} s | {bound(one)} | {share} |")
        if chart.more:
            lines.append(f"| {chart.more:,} more of: {chart.title.lower()} | | | | |")
    return lines


def _unit(one: Series) -> str:
    return {"bytes": "", "per second": " /s"}.get(one.unit, f" {one.unit}")


def _changes(found: Account) -> list[str]:
    return ["## Limits that changed", "", *(f"- {_cell(text)}" for text in found.changes), ""] if found.changes else []


def _over_time(chart: Chart, seconds: float) -> list[str]:
    """Return a table of a few moments: of each figure the highest value since the moment before."""
    edges = moments(seconds)
    columns = [_highest(one, edges) for one in chart.series]
    lines = [f"## {chart.title}", "", "| s | " + " | ".join(_cell(one.name) for one in chart.series) + " |"]
    lines.append("|---:|" + "---:|" * len(chart.series))
    for number, edge in enumerate(edges):
        row = [_at(column[number], one.unit) for column, one in zip(columns, chart.series, strict=True)]
        if any(row):
            lines.append(f"| {edge:,.0f} | {' | '.join(row)} |")
    return lines


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


def _at(value: float | None, unit: str) -> str:
    return "" if value is None else figure(value, unit)


def _settings(found: Account) -> list[str]:
    run: Run | None = found.runs[-1] if found.runs else None
    if run is None or not run.settings:
        return []
    rows = [f"| {_cell(key)} | {_cell(value)} |" for key, value in sorted(run.settings.items())]
    return ["## Settings", "", "| sysctl | value |", "|---|---|", *rows]


def _cell(text: str) -> str:
    """Return untrusted text as a cell of a table can hold it."""
    return clean(text).replace("\\", "\\\\").replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
