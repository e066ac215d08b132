"""One look at a watched host: what happens, and the limits nearest to their end."""

from __future__ import annotations

import time
from collections.abc import Iterable

from hosttune.model import Look, LookUse, Trend, Unknown, Use, View
from hosttune.model.document import Block, Column, Document, Paragraph, Row, Table, paragraphs
from hosttune.model.roles import Role
from hosttune.printable import cleaned
from hosttune.render.figures import NO_LIMIT

SCHEMA = "hosttune/watch/1"
LINE = True
_NEAREST = 3
_DAY = 86_400.0
_COLUMNS = (
    Column("nearest to a limit", cut=True, tail=True, least=12),
    Column("used", right=True, least=9),
    Column("limit", right=True, least=9),
    Column("%", right=True, least=3),
    Column("slow above", right=True, least=9, wide=100),
    Column("per s", right=True, least=7),
    Column("full in", right=True, least=7),
    Column("age", right=True, least=4),
)


def document(view: View, verbose: bool) -> Document:
    """Return it: every use that has a limit, ranked."""
    machine, tick = view.machine, view.tick
    about = [machine.hostname, f"Linux {machine.kernel}", time.strftime("%H:%M:%S", time.localtime(tick.time))]
    about.append(f"every {view.interval:g} s")
    about += [f"hosttune itself: {tick.cost * 100:.1f} % CPU"] if tick.cost is not None else []
    about += [f"recorded in {view.recording}"] if view.recording else []
    happens = ", ".join(part.replace(" ", "\u00a0") for part in _happens(view))
    blocks: tuple[Block, ...] = (
        *((Paragraph(happens),) if happens else ()),
        Table(_COLUMNS, tuple(_row(trend) for trend in view.trends if _limited(trend.use)), "Limits"),
        *paragraphs((*view.changes, *tick.notes)),
    )
    return Document(f"{machine.hostname or 'host'}: a look", tuple(about), blocks)


def line(view: View) -> str:
    """Return one look as one line: the time, what happens, and the nearest limits."""
    view = cleaned(view)
    parts = [time.strftime("%H:%M:%S", time.localtime(view.tick.time)), ", ".join(_happens(view))]
    shown = [trend for trend in view.trends if _limited(trend.use) and trend.use.used][:_NEAREST]
    return " | ".join([*parts, *map(_short, shown)])


def plain(view: View) -> Look:
    """Return what programs get of it; a figure that is not known is None."""
    view = cleaned(view)
    tick = view.tick
    return Look(
        host=view.machine.hostname,
        time=round(tick.time, 3),
        at=tick.at,
        seconds=round(view.seconds, 3),
        cost=_rounded(tick.cost, 4),
        counters=tick.counters,
        rates={name: round(rate, 2) for name, rate in view.rates.items()},
        drops=_rounded(view.drops, 2),
        uses=tuple(_use(trend) for trend in view.trends),
        changes=view.changes,
        notes=tick.notes,
    )


def _use(trend: Trend) -> LookUse:
    use = trend.use
    return LookUse(
        id=use.id,
        name=use.name,
        unit=use.unit,
        used=use.used,
        limit=use.limit if isinstance(use.limit, int) else None,
        unknown=str(use.limit) if isinstance(use.limit, Unknown) else "",
        knee=use.knee,
        age=round(trend.age, 2),
        rate=_rounded(trend.rate, 3),
        slow_in=_rounded(trend.slow_in, 1),
        full_in=_rounded(trend.full_in, 1),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _happens(view: View) -> list[str]:
    """Return what goes on, in words: only what this host counts, a rate only where two looks gave it."""
    counters, rates = view.tick.counters, view.rates
    events = []
    for name, word in (("Tcp.CurrEstab", "established"), ("sockstat.TCP.tw", "TIME_WAIT")):
        if name in counters:
            events.append(f"{word} {counters[name]:,}{_signed(rates.get(name))}")
    opened = [rates[name] for name in ("Tcp.ActiveOpens", "Tcp.PassiveOpens") if name in rates]
    if opened:
        events.append(f"opened {opened[0]:,.0f}/s")
    if len(opened) > 1:
        events.append(f"accepted {opened[1]:,.0f}/s")
    if "Tcp.RetransSegs" in rates:
        events.append(f"retransmits {rates['Tcp.RetransSegs']:,.0f}/s")
    if view.drops is not None:
        which = f" ({', '.join(view.dropping[:2])})" if view.dropping else ""
        events.append(f"drops {view.drops:,.0f}/s{which}")
    return events


def _signed(rate: float | None) -> str:
    return f" ({rate:+,.0f}/s)" if rate is not None and abs(rate) >= 0.5 else ""


def _limited(use: Use) -> bool:
    return isinstance(use.limit, int) and use.limit < NO_LIMIT


def _row(trend: Trend) -> Row:
    use = trend.use
    limit = use.limit if isinstance(use.limit, int) else 0
    role = Role.BAD if use.used >= limit else Role.DRIFT if use.knee and use.used >= use.knee else Role.PLAIN
    full = _time(trend.full_in)
    if role is Role.PLAIN and trend.slow_in and use.knee:
        full = f"~{_time(trend.slow_in)}"  # the knee comes first
    full = {Role.BAD: "FULL", Role.DRIFT: full or "SLOW"}.get(role, full)
    age = f"{trend.age:.0f} s" if trend.age >= 1.0 else ""
    numbers = (_figure(use.used, use.unit), _figure(limit, use.unit), f"{(use.share or 0) * 100:.0f}")
    name = use.name.replace(" -> ", "→")
    return Row((name, *numbers, _figure(use.knee, use.unit), _rate(trend.rate, use.unit), full, age), role=role)


def _figure(value: int | None, unit: str) -> str:
    """Return a number that fits a column of nine."""
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value / 2**30:,.2f} GiB" if value >= 1 << 30 else f"{value / 2**20:,.0f} MiB"
    return f"{value:,}" if value < 10**7 else f"{value / 10**6:,.0f} M" if value < 10**12 else f"{value:.1e}"


def _rate(rate: float | None, unit: str) -> str:
    if rate is None or abs(rate) < 0.05:
        return ""
    if unit == "bytes":
        return f"{rate / 2**20:+,.1f}M" if abs(rate) >= 52_429 else ""
    return f"{rate:+,.0f}" if abs(rate) >= 10 else f"{rate:+,.1f}"


def _time(seconds: float | None) -> str:
    if seconds is None or seconds > 4 * _DAY:
        return ""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"


def _short(trend: Trend) -> str:
    use = trend.use
    limit = use.limit if isinstance(use.limit, int) else 0
    figures = f"{use.name} {_figure(use.used, use.unit)} of {_figure(limit, use.unit)}"
    notes: Iterable[str] = (
        f"{(use.share or 0) * 100:.0f} %",
        f"slow in {_time(trend.slow_in)}" if trend.slow_in and _time(trend.slow_in) else "",
        "slow" if trend.slow_in == 0 and use.used < limit else "",
        "full" if use.used >= limit else f"full in {_time(trend.full_in)}" if _time(trend.full_in) else "",
        f"{trend.age:.0f} s old" if trend.age >= 1.0 else "",
    )
    return f"{figures} ({', '.join(note for note in notes if note)})"
