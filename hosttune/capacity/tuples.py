"""Tuples towards the backends: how many there are, how long a closed one is kept, and what gives more of them.

Connections are taken to spread evenly over the backends, so the narrowest is full first. With bind(), which takes a
port whatever the backend, all backends are one. Sources: net/ipv4/inet_hashtables.c, net/ipv4/tcp_ipv4.c.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hosttune import kernel
from hosttune.addresses import is_loopback
from hosttune.capacity import closing
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Backend, BindMode, PortPool, Remedy, Unknown
from hosttune.ports import mask_of, span

TIME_WAIT = 1000 * kernel.TIMEWAIT_LEN  # milliseconds

_DELAY = 1000  # milliseconds before Linux 6.14, which made it net.ipv4.tcp_tw_reuse_delay
_REUSE, _STAMPS = "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps"
_RANGE = "net.ipv4.ip_local_port_range"
_LOWEST, _HIGHEST = 1024, 65535


@dataclass(frozen=True, slots=True)
class Group:
    """The pools that one backend's connections go through, or one family's; `part` is their share of all."""

    name: str
    family: int
    pools: tuple[PortPool, ...]
    part: Fraction

    @property
    def room(self) -> int:
        """Ports that connections of the workload can have, those they have now included."""
        return sum(room(p) for p in self.pools)

    @property
    def knee(self) -> int | None:
        """Connections from which each connect() searches half of the range first."""
        return sum(p.knee or 0 for p in self.pools) or None


@dataclass(frozen=True, slots=True)
class _Setting:
    """Remedies beside more source addresses: the widest range, and the reuse of tuples in TIME_WAIT."""

    wide: bool
    reuse: bool


def room(pool: PortPool) -> int:
    """Return the ports of a pool: those in TIME_WAIT come back, those open outside of the range are carried too."""
    if pool.mode is BindMode.BIND:
        return pool.used + pool.free
    return max(pool.usable, pool.established + pool.free)


def pools(facts: CapacityFacts) -> tuple[PortPool, ...]:
    """Return the pools now; where no backend was named, that of one source address towards one backend."""
    return facts.pools or _single(facts, widest=False)


def groups(pools: Sequence[PortPool]) -> tuple[Group, ...]:
    """Group pools by backend; with bind() by address family, each source once, with what all backends use of it."""
    members: dict[tuple[str, int], list[PortPool]] = {}
    shared = bool(pools) and pools[0].mode is BindMode.BIND
    for pool in pools:
        family = 6 if ":" in pool.backend.address else 4
        members.setdefault(("" if shared else str(pool.backend), family), []).append(pool)
    backends = len({str(pool.backend) for pool in pools})
    made = []
    for (name, family), of in members.items():
        part = Fraction(len({str(pool.backend) for pool in of}), backends)
        made.append(Group(name, family, _once(of) if shared else tuple(of), part))
    return tuple(made)


def _once(pools: list[PortPool]) -> tuple[PortPool, ...]:
    by_source: dict[str, PortPool] = {}
    for pool in pools:
        first = by_source.get(pool.source)
        by_source[pool.source] = (
            pool
            if first is None
            else dataclasses.replace(
                first,
                established=first.established + pool.established,
                time_wait=first.time_wait + pool.time_wait,
                other=first.other + pool.other,
            )
        )
    return tuple(dataclasses.replace(p, knee=None if p.knee is None else p.usable // 2) for p in by_source.values())


def kept(facts: CapacityFacts, group: Group, reuse: bool = False) -> int:
    """Return for how many milliseconds a closed tuple is kept from the next connection (tcp_twsk_unique)."""
    stamps = reuse or facts.integer(_STAMPS) != 0
    mode = group.pools[0].mode
    if mode is BindMode.BIND or not stamps:
        return TIME_WAIT
    if mode is BindMode.EXPLICIT:
        # a port chosen before connect() passes no TIME_WAIT socket on, and skips the sysctl and its delay
        return 0
    if reuse or _reuses(facts, group.pools):
        delay = facts.integer("net.ipv4.tcp_tw_reuse_delay")
        return delay if isinstance(delay, int) else _DELAY
    return TIME_WAIT


def _reuses(facts: CapacityFacts, pools: Sequence[PortPool]) -> bool:
    """Say whether net.ipv4.tcp_tw_reuse lets closed tuples of these pools serve again; 2 does over loopback alone."""
    mode = facts.integer(_REUSE)
    return mode == 1 or (mode == 2 and all(_loopback(p) for p in pools))


def waiting(facts: CapacityFacts, group: Group, reuse: bool = False) -> int:
    """Return the tuples of a group that closed connections keep while the target number is open."""
    return closing.kept(facts.workload, facts.workload.connections, kept(facts, group, reuse), _part(facts, group))


def carries(facts: CapacityFacts, group: Group, ports: int) -> int:
    """Return the connections, over all groups, at which so many ports of this one are open or kept."""
    return closing.most(facts.workload, ports, _part(facts, group), kept(facts, group))


def wanted(facts: CapacityFacts, group: Group) -> int:
    """Return the tuples that a group must hold open."""
    return math.ceil(facts.workload.connections * _part(facts, group))


def _part(facts: CapacityFacts, group: Group) -> Fraction:
    return facts.workload.tuples_per_connection * group.part


def remedies(facts: CapacityFacts) -> tuple[Remedy, ...]:
    """Return the least that carries the workload: as few source addresses as possible, then as few settings.

    Nothing where it is carried now, or where no number of sources would do.
    """
    best: tuple[tuple[int, int], _Setting, dict[int, int]] | None = None
    for setting in _settings(facts):
        more = _sources(facts, setting, below_knee=False)
        if more is None:
            continue
        cost = (sum(more.values()), setting.wide + setting.reuse)
        if best is None or cost < best[0]:
            best = (cost, setting, more)
    if best is None:
        return ()
    (_, setting, more) = best
    return (*_addresses(facts, setting, more), *_widening(facts, setting), *_reusing(facts, setting))


def _settings(facts: CapacityFacts) -> list[_Setting]:
    """Return the remedies that change anything here, the fewest first."""
    now = groups(pools(facts))
    wide = sum(g.room for g in groups(_pools(facts, True))) > sum(g.room for g in now)
    reuse = any(waiting(facts, g, True) < waiting(facts, g) for g in now)
    settings = [_Setting(False, False)]
    settings += [_Setting(True, False)] if wide else []
    settings += [_Setting(False, True)] if reuse else []
    settings += [_Setting(True, True)] if wide and reuse else []
    return settings


def _pools(facts: CapacityFacts, wide: bool) -> tuple[PortPool, ...]:
    if not wide:
        return pools(facts)
    return facts.wide if facts.pools else _single(facts, widest=True)


def _sources(facts: CapacityFacts, setting: _Setting, below_knee: bool) -> dict[int, int] | None:
    """Return how many more source addresses each family takes; None where none would do, or there is no knee."""
    by_family: dict[int, int] = {}
    for group in groups(_pools(facts, setting.wide)):
        if below_knee and group.knee is None:
            return None
        have = (group.knee or 0) if below_knee else group.room
        # a new address is taken to have what the narrowest of those here has
        each = min((p.knee or 0) if below_knee else p.usable for p in group.pools)
        missing = wanted(facts, group) + waiting(facts, group, setting.reuse) - have
        if missing > 0 and each == 0:
            return None
        more = -(-missing // each) if missing > 0 else 0
        by_family[group.family] = max(by_family.get(group.family, 0), more)
    return by_family


def sources(facts: CapacityFacts, wide: bool, below_knee: bool) -> dict[int, int] | None:
    """Return how many more source addresses each family takes, with the reuse of tuples as it is now."""
    return _sources(facts, _Setting(wide, False), below_knee)


def _addresses(facts: CapacityFacts, setting: _Setting, more: dict[int, int]) -> tuple[Remedy, ...]:
    calm = _sources(facts, setting, below_knee=True) or {}
    remedies = []
    for family, count in more.items():
        if not count:
            continue
        better = calm.get(family)
        if facts.pools:
            subject, unit = "sources" if family == 4 else "sources:ipv6", "source addresses"
            text = f"{count:,} more source address{'es' * (count > 1)}"
        else:
            subject, unit = "pairs", "pairs of source address and backend"
            count, better = count + 1, better + 1 if better is not None else None
            text = f"{count:,} pairs of source and backend"
        aside = f" ({better:,} stay below the knee)" if better not in (None, count) else ""
        remedies.append(Remedy(subject, count, better, unit, text + aside))
    return tuple(remedies)


def _widening(facts: CapacityFacts, setting: _Setting) -> tuple[Remedy, ...]:
    if not setting.wide:
        return ()
    wide = _pools(facts, True)[0]
    explicit = wide.mode is BindMode.EXPLICIT
    value = (wide.low, wide.high)
    subject = "bind-range" if explicit else f"sysctl:{_RANGE}"
    what = "ports of the program" if explicit else "range"
    return (Remedy(subject, value, None, "ports", f"{what} {wide.low} {wide.high}"),)


def _reusing(facts: CapacityFacts, setting: _Setting) -> tuple[Remedy, ...]:
    if not setting.reuse:
        return ()
    remedies = []
    now = pools(facts)
    if now[0].mode is not BindMode.EXPLICIT and not _reuses(facts, now):
        remedies.append(Remedy(f"sysctl:{_REUSE}", 1, None, "switch", f"{_REUSE}=1"))
    if facts.integer(_STAMPS) == 0:
        remedies.append(Remedy(f"sysctl:{_STAMPS}", 1, None, "switch", f"{_STAMPS}=1"))
    return tuple(remedies)


def _single(facts: CapacityFacts, widest: bool) -> tuple[PortPool, ...]:
    """Return the pool that the range alone gives; none where the range could not be read."""
    ends = range_now(facts)
    if not isinstance(ends, tuple):
        return ()
    low, high = (min(ends[0], _LOWEST), _HIGHEST) if widest else ends
    mode = facts.workload.bind_mode
    ports = span(low, high)
    reserved = 0 if mode is BindMode.EXPLICIT else mask_of(facts.text("net.ipv4.ip_local_reserved_ports")) & ports
    size, usable = ports.bit_count(), (ports & ~reserved).bit_count()
    knee = None if mode is BindMode.EXPLICIT else usable // 2
    count = reserved.bit_count()
    anywhere = Backend("", 0)
    return (PortPool("", anywhere, mode, low, high, size, count, 0, usable, 0, 0, 0, usable, usable, knee),)


def range_now(facts: CapacityFacts) -> tuple[int, int] | Unknown | None:
    """Return the first and last port; None where nothing is known, or what was read is no range."""
    ends = facts.numbers(_RANGE)
    if not isinstance(ends, tuple):
        return ends
    return (ends[0], ends[1]) if len(ends) == 2 and 0 < ends[0] <= ends[1] <= _HIGHEST else None


def _loopback(pool: PortPool) -> bool:
    if not pool.source:
        return False
    return is_loopback(pool.source) or is_loopback(pool.backend.address)
