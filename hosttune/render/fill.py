"""How full limits are: port pools, and whatever else of a host is used and has a limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hosttune.model import PortPool, Use
from hosttune.model.drawings import Gauge, Gauges
from hosttune.model.roles import Role
from hosttune.render import folding
from hosttune.render.figures import NO_LIMIT

_MOST = 24


def pools(every: Sequence[PortPool]) -> Iterator[Gauges]:
    """Yield the ports used of each pool, the fullest first; of many those that are alike are one, the fullest."""
    alike = folding.pools(every) if len(every) > _MOST else [[pool] for pool in every]
    groups = [(max(some, key=lambda pool: pool.used), len(some)) for some in alike]
    groups.sort(key=lambda group: -group[0].used / max(group[0].usable, 1))
    if groups:
        left = sum(count for _, count in groups[_MOST:])
        more = f"and {left:,} more port pools, none of them fuller (--format json)" if left else ""
        yield Gauges("Port pools", tuple(_pool(*group) for group in groups[:_MOST]), more=more)


def _pool(pool: PortPool, count: int) -> Gauge:
    goal = str(pool.backend) if count == 1 else f"{count:,} backends, the fullest"
    role = Role.BAD if pool.free <= 0 else _role(pool.used, pool.usable, pool.knee)
    name = f"{pool.source} → {goal} ({pool.mode})"
    return Gauge(name, pool.used, pool.usable, pool.knee, f"{pool.free:,} free now", role)


def uses(every: Iterable[Use]) -> Iterator[Gauges]:
    """Yield what is used of each limit, the fullest first, what is counted in bytes apart."""
    known = sorted((use for use in every if use.share is not None), key=lambda use: -(use.share or 0))
    units: dict[str, list[Gauge]] = {}
    for use in known:
        if isinstance(use.limit, int) and use.limit < NO_LIMIT and use.used:
            word = f"{(use.share or 0) * 100:.0f} %" + ("" if use.unit == "bytes" else f", {use.unit}")
            unit, role = "bytes" if use.unit == "bytes" else "", _role(use.used, use.limit, use.knee)
            units.setdefault(unit, []).append(Gauge(use.name, use.used, use.limit, use.knee, word, role))
    for unit, gauges in units.items():
        more = f"and {len(gauges) - _MOST:,} more, none of them fuller" if gauges[_MOST:] else ""
        yield Gauges("Memory used now" if unit else "Used now", tuple(gauges[:_MOST]), unit, more)


def _role(used: int, limit: int, knee: int | None) -> Role:
    if used >= limit:
        return Role.BAD
    return Role.DRIFT if knee is not None and used >= knee else Role.GOOD
