"""One look at a watched host: as a screen, as one line, and as a line of JSON (hosttune/watch/1, watch.schema.json)."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterable

from hosttune.model import Trend, Unknown, Use, View
from hosttune.printable import clean, cleaned
from hosttune.render.view.figures import cut, fold

SCHEMA = "hosttune/watch/1"
_NEAREST = 3
_WIDE = 100
_DAY = 86_400.0
_NONE = 1 << 62
"""At and above it a limit is none: the kernel's own defaults for "as many as there can be" lie there."""

Row = tuple[str, str]
"""A line and how grave it is: "" for not at all, "slow" beyond the knee, "full" at the limit."""


def screen(view: View, width: int, height: int, unicode: bool = True) -> list[Row]:
    """Return the lines of a screen of so many columns and rows."""
    view = cleaned(view)
    head = [(line, "") for line in _head(view, width, unicode)]
    foot = [(line, "") for text in (*view.changes, *view.tick.notes) for line in fold(f"  {text}", width, "    ")[:2]]
    keys = f"q quit   s sort: {view.sort}   1 nearest  2 full first  3 largest  4 name"
    foot = [*foot[: max(height // 4, 1)], ("", ""), (cut(keys, width, unicode), "")]
    room = max(height - len(head) - len(foot) - 2, 1)
    return [*head, ("", ""), (_titles(width), ""), *_rows(view, room, width, unicode), *foot]


def table(view: View, width: int, unicode: bool = True) -> str:
    """Return one look as text for a page: every use that has a limit."""
    view = cleaned(view)
    told = [line for text in (*view.changes, *view.tick.notes) for line in fold(f"  {text}", width, "    ")]
    rows = [line for line, _ in _rows(view, len(view.trends), width, unicode)]
    return "\n".join([*_head(view, width, unicode), "", _titles(width), *rows, *told]) + "\n"


def line(view: View) -> str:
    """Return one look as one line: the time, what happens, and the nearest limits."""
    view = cleaned(view)
    tick = view.tick
    parts = [time.strftime("%H:%M:%S", time.localtime(tick.time)), *_happens(view)]
    shown = [one for one in view.trends if _limited(one.use) and one.use.used][:_NEAREST]
    return " | ".join([" ".join(parts[:1]), ", ".join(parts[1:]), *map(_short, shown)]) + "\n"


def as_json(view: View) -> str:
    """Return one look as one line of JSON; a figure that is not known is null."""
    tick = view.tick
    found = {
        "schema": SCHEMA,
        "host": clean(view.machine.hostname),
        "time": round(tick.time, 3),
        "at": tick.at,
        "seconds": round(view.seconds, 3),
        "cost": _rounded(tick.cost, 4),
        "counters": dict(tick.counters),
        "rates": {name: round(rate, 2) for name, rate in view.rates.items()},
        "drops": _rounded(view.drops, 2),
        "uses": [_plain(one) for one in view.trends],
        "changes": list(view.changes),
        "notes": [clean(note) for note in tick.notes],
    }
    return json.dumps(found, separators=(",", ":"), ensure_ascii=True) + "\n"


def _plain(one: Trend) -> dict[str, object]:
    use = one.use
    return {
        "id": clean(use.id),
        "name": clean(use.name),
        "unit": use.unit,
        "used": use.used,
        "limit": use.limit if isinstance(use.limit, int) else None,
        "unknown": str(use.limit) if isinstance(use.limit, Unknown) else "",
        "knee": use.knee,
        "age": round(one.age, 2),
        "rate": _rounded(one.rate, 3),
        "slow_in": _rounded(one.slow_in, 1),
        "full_in": _rounded(one.full_in, 1),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _head(view: View, width: int, unicode: bool) -> list[str]:
    machine, tick = view.machine, view.tick
    parts = [clean(machine.hostname), f"Linux {machine.kernel}", time.strftime("%H:%M:%S", time.localtime(tick.time))]
    parts.append(f"every {view.interval:g} s")
    parts += [f"takes {tick.cost * 100:.1f} % of a core"] if tick.cost is not None else []
    parts += [f"recorded in {clean(view.recording)}"] if view.recording else []
    dot = " · " if unicode else " - "
    return [cut(dot.join(parts), width, unicode), *_folded(_happens(view), width)]


def _folded(parts: list[str], width: int) -> list[str]:
    """Return parts as lines, broken between them only."""
    tight = ", ".join(part.replace(" ", "\xa0") for part in parts)
    return [row.replace("\xa0", " ") for row in textwrap.wrap(f"  {tight}", width, subsequent_indent="  ")]


def _happens(view: View) -> list[str]:
    """Return what goes on, in words: only what this host counts, a rate only where two looks gave it."""
    counters, rates = view.tick.counters, view.rates
    told = []
    for name, word in (("Tcp.CurrEstab", "established"), ("sockstat.TCP.tw", "TIME_WAIT")):
        if name in counters:
            told.append(f"{word} {counters[name]:,}{_signed(rates.get(name))}")
    opened = [rates[name] for name in ("Tcp.ActiveOpens", "Tcp.PassiveOpens") if name in rates]
    if opened:
        told.append(f"opened {opened[0]:,.0f}/s")
    if len(opened) > 1:
        told.append(f"accepted {opened[1]:,.0f}/s")
    if "Tcp.RetransSegs" in rates:
        told.append(f"sent again {rates['Tcp.RetransSegs']:,.0f}/s")
    if view.drops is not None:
        which = f" ({', '.join(view.dropping[:2])})" if view.dropping else ""
        told.append(f"drops {view.drops:,.0f}/s{which}")
    return told


def _signed(rate: float | None) -> str:
    return f" ({rate:+,.0f}/s)" if rate is not None and abs(rate) >= 0.5 else ""


def _titles(width: int) -> str:
    return _columns("nearest to a limit", ("used", "limit", "%", "slow from", "per s", "full in", "age"), width)


def _columns(name: str, cells: tuple[str, ...], width: int) -> str:
    used, limit, share, knee, rate, full, age = cells
    # one column is for wide terminals only: the knee has a word of its own in the others
    middle = f" {knee:>11}" if width >= _WIDE else ""
    right = f" {used:>9} {limit:>9} {share:>3}{middle} {rate:>7} {full:>7} {age:>4}"
    room = max(width - len(right) - 2, 12)
    return f"  {_shortened(name, room):<{room}}{right}"[:width].rstrip()


def _shortened(name: str, room: int) -> str:
    """Return a name that fits, its end kept: there stand the port and the pid."""
    if len(name) <= room:
        return name
    return f"{name[: room - room // 2 - 2]}..{name[-(room // 2) :]}"


def _rows(view: View, most: int, width: int, unicode: bool) -> list[Row]:
    shown = [one for one in view.trends if _limited(one.use)]
    return [_row(one, width, unicode) for one in shown[:most]]


def _limited(use: Use) -> bool:
    return isinstance(use.limit, int) and use.limit < _NONE


def _row(one: Trend, width: int, unicode: bool) -> Row:
    use = one.use
    limit = use.limit if isinstance(use.limit, int) else 0
    grave = "full" if use.used >= limit else "slow" if use.knee and use.used >= use.knee else ""
    share = f"{(use.share or 0) * 100:.0f}"
    full = "FULL" if grave == "full" else _time(one.full_in)
    if not grave and one.slow_in and use.knee and width < _WIDE:
        full = f"~{_time(one.slow_in)}"  # the knee comes first
    full = "SLOW" if grave == "slow" and one.full_in is None else full
    age = f"{one.age:.0f} s" if one.age >= 1.0 else ""
    figures = (_figure(use.used, use.unit), _figure(limit, use.unit), share, _figure(use.knee, use.unit))
    name = clean(use.name).replace(" -> ", "→") if unicode else clean(use.name)
    return _columns(name, (*figures, _rate(one.rate, use.unit), full, age), width), grave


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


def _short(one: Trend) -> str:
    use = one.use
    limit = use.limit if isinstance(use.limit, int) else 0
    told = f"{clean(use.name)} {_figure(use.used, use.unit)} of {_figure(limit, use.unit)}"
    notes: Iterable[str] = (
        f"{(use.share or 0) * 100:.0f} %",
        f"slow in {_time(one.slow_in)}" if one.slow_in and _time(one.slow_in) else "",
        "slow" if one.slow_in == 0 and use.used < limit else "",
        "full" if use.used >= limit else f"full in {_time(one.full_in)}" if _time(one.full_in) else "",
        f"{one.age:.0f} s old" if one.age >= 1.0 else "",
    )
    return f"{told} ({', '.join(note for note in notes if note)})"
