"""Tuples towards the backends: how many there are, how long a closed one is kept, and what gives more of them.

Connections are taken to spread evenly over the backends, so the narrowest is full first. With bind(), which takes a
port whatever the backend, all backends are one. Sources: net/ipv4/inet_hashtables.c, net/ipv4/tcp_ipv4.c.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hosttune import kernel, releases
from hosttune.addresses import is_loopback
from hosttune.capacity import closing, ranges
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.sharing import Group, groups, kinds
from hosttune.model import Backend, BindMode, PortPool, Remedy, Unknown
from hosttune.ports import WIDER, Reach, mask_of, reach, span, within

TIME_WAIT = 1000 * kernel.TIMEWAIT_LEN  # milliseconds

BUCKETS = "net.ipv4.tcp_max_tw_buckets"
_DELAY = 1000  # milliseconds before Linux 6.14, which made it net.ipv4.tcp_tw_reuse_delay
_REUSE, _STAMPS = "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps"
_RANGE = "net.ipv4.ip_local_port_range"
_LOWEST, _HIGHEST = 1024, 65535


@dataclass(frozen=True, slots=True)
class _Setting:
    """Remedies beside more source addresses: a wider range, and the reuse of tuples in TIME_WAIT.

    `low` is the first port of the range, 0: it stays as it is.
    """

    low: int
    reuse: bool

    @property
    def many(self) -> int:
        """How many settings it changes."""
        return bool(self.low) + self.reuse


def pools(facts: CapacityFacts) -> tuple[PortPool, ...]:
    """Return the pools now; where no backend was named, that of one source address towards one backend."""
    every = facts.pools or _single(facts)
    return tuple(map(ranges.greatest, every)) if facts.optimistic else every


def now(facts: CapacityFacts) -> tuple[Group, ...]:
    """Return the groups of the pools now."""
    return facts.once("groups", lambda: groups(facts, pools(facts)))


def _kinds(facts: CapacityFacts, low: int) -> list[tuple[Group, int]]:
    """Return one of each kind of groups, now or with a range from `low` on, and how many there are."""
    made = (lambda: kinds(groups(facts, _pools(facts, low)))) if low else lambda: kinds(now(facts))
    return facts.once(f"kinds {low}", made)


def kept(facts: CapacityFacts, group: Group, reuse: bool = False) -> int:
    """Return for how many milliseconds a closed tuple is kept from the next connection (tcp_twsk_unique).

    Where nothing shows whether the other end has timestamps it is taken to have them.
    """
    stamps = (reuse or facts.integer(_STAMPS) != 0) and not bare(group)
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


def bare(group: Group) -> bool:
    """Say whether the other end of any of its pools is known to have no timestamps."""
    return any(pool.stamps is False for pool in group.pools)


def buckets(facts: CapacityFacts, group: Group) -> int | None:
    """Return how many closed tuples of a group are kept at most; None where that is not known.

    Beyond tcp_max_tw_buckets, which counts those of the whole namespace, what is closed is gone at once
    (net/ipv4/inet_timewait_sock.c inet_twsk_alloc()). FIN_WAIT2 without an owner is among them.
    """
    every = facts.integer(BUCKETS)
    if not isinstance(every, int):
        return None
    # the groups of one section fill the table in the measure in which they are used
    several = facts.once("several sections", lambda: len({each.section for each in now(facts)}) > 1)
    return every if several else math.ceil(every * group.part)


def waiting(facts: CapacityFacts, group: Group, reuse: bool = False) -> int:
    """Return the tuples of a group that closed connections keep while the target number is open."""
    load, milliseconds = facts.workload, kept(facts, group, reuse)
    return closing.kept(load, load.connections, milliseconds, _part(facts, group), buckets(facts, group))


def carries(facts: CapacityFacts, group: Group, ports: int) -> int:
    """Return the connections, over all groups, at which so many ports of this one are open or kept."""
    return closing.most(facts.workload, ports, _part(facts, group), kept(facts, group), buckets(facts, group))


def wanted(facts: CapacityFacts, group: Group) -> int:
    """Return the tuples that a group must hold open."""
    return math.ceil(group.fed(facts.workload.connections) * facts.workload.tuples_per_connection)


def _part(facts: CapacityFacts, group: Group) -> Fraction:
    return facts.workload.tuples_per_connection * group.part


def remedies(facts: CapacityFacts) -> tuple[Remedy, ...]:
    """Return the least that carries the workload: as few source addresses as possible, then as few settings.

    Nothing where it is carried now, or where no number of sources would do.
    """
    return facts.once("remedies", lambda: _remedies(facts))


def _remedies(facts: CapacityFacts) -> tuple[Remedy, ...]:
    missing = _sources(facts, _Setting(0, False), below_knee=False)
    if missing is not None and not any(missing.values()):
        return ()
    best: tuple[tuple[int, int, int], _Setting, dict[int, int]] | None = None
    for setting in _settings(facts):
        more = _sources(facts, setting, below_knee=False)
        if more is None:
            continue
        # of ranges that need as many addresses the narrowest: each port fewer is one that a service may have
        cost = (sum(more.values()), setting.many, -setting.low)
        if best is None or cost < best[0]:
            best = (cost, setting, more)
    if best is None:
        return ()
    (_, setting, more) = best
    return (*_addresses(facts, setting, more), *_widening(facts, setting), *_reusing(facts, setting))


def _settings(facts: CapacityFacts) -> list[_Setting]:
    """Return the remedies that change anything here, the fewest first."""
    narrow = _kinds(facts, 0)
    room = sum(g.room * count for g, count in narrow)
    lows = [low for low in _lows(facts) if sum(g.room * count for g, count in _kinds(facts, low)) > room]
    reuse = any(waiting(facts, g, True) < waiting(facts, g) for g, _ in narrow)
    return [_Setting(low, again) for again in (False, True)[: 1 + reuse] for low in (0, *lows)]


def _lows(facts: CapacityFacts) -> tuple[int, ...]:
    """Return where a wider range may begin, the narrowest first; a range that a program chooses is just the widest."""
    now = pools(facts)
    chosen = bool(now) and now[0].mode is BindMode.EXPLICIT
    known = not facts.pools or facts.widened is not None
    return (*(WIDER if known and not chosen else ()), _LOWEST)


def _pools(facts: CapacityFacts, low: int) -> tuple[PortPool, ...]:
    if not low:
        return pools(facts)
    every = _widened(facts, low)
    return tuple(map(ranges.greatest, every)) if facts.optimistic else every


def _widened(facts: CapacityFacts, low: int) -> tuple[PortPool, ...]:
    if not facts.pools:
        return _single(facts, low)
    if low == _LOWEST or facts.widened is None:
        return facts.wide
    widened = facts.widened
    return facts.once(f"pools {low}", lambda: widened(low))


def _sources(facts: CapacityFacts, setting: _Setting, below_knee: bool) -> dict[int, int] | None:
    """Return how many more source addresses each family takes; None where none would do, or there is no knee."""
    by_family: dict[int, int] = {}
    for group, _ in _kinds(facts, setting.low):
        if below_knee and group.knee is None:
            return None
        if group.limited:
            continue
        have = (group.knee or 0) if below_knee else group.fills
        # a new address is taken to have what the narrowest of those here has
        takes = [p for p in group.pools if not p.fails]
        each = min(((p.knee or 0) if below_knee else p.usable for p in takes), default=0)
        missing = wanted(facts, group) + waiting(facts, group, setting.reuse) - have
        if missing > 0 and each == 0:
            return None
        more = -(-missing // each) if missing > 0 else 0
        by_family[group.family] = max(by_family.get(group.family, 0), more)
    return by_family


def sources(facts: CapacityFacts, wide: bool, below_knee: bool) -> dict[int, int] | None:
    """Return how many more source addresses each family takes, with the reuse of tuples as it is now."""
    return _sources(facts, _Setting(_LOWEST * wide, False), below_knee)


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
            text = f"{count:,} source-backend pairs"
        aside = f" ({better:,} to stay fast)" if better not in (None, count) else ""
        remedies.append(Remedy(subject, count, better, unit, text + aside))
    return tuple(remedies)


def _widening(facts: CapacityFacts, setting: _Setting) -> tuple[Remedy, ...]:
    if not setting.low:
        return ()
    wide = _pools(facts, setting.low)[0]
    explicit = wide.mode is BindMode.EXPLICIT
    value = (wide.low, wide.high)
    if facts.workload.bind_range and not explicit:
        # the program has what lies within both
        now = range_now(facts)
        value = (min(now[0], setting.low) if isinstance(now, tuple) else setting.low, _HIGHEST)
    subject = "bind-range" if explicit else f"sysctl:{_RANGE}"
    what = "ports of the program" if explicit else "range"
    return (Remedy(subject, value, None, "ports", f"{what} {value[0]} {value[1]}"),)


def _reusing(facts: CapacityFacts, setting: _Setting) -> tuple[Remedy, ...]:
    if not setting.reuse:
        return ()
    remedies = []
    narrow = pools(facts)
    if narrow[0].mode is not BindMode.EXPLICIT and not _reuses(facts, narrow):
        remedies.append(Remedy(f"sysctl:{_REUSE}", 1, None, "switch", f"{_REUSE}=1"))
    if facts.integer(_STAMPS) == 0:
        remedies.append(Remedy(f"sysctl:{_STAMPS}", 1, None, "switch", f"{_STAMPS}=1"))
    return tuple(remedies)


def _single(facts: CapacityFacts, lowest: int = 0) -> tuple[PortPool, ...]:
    """Return the pool that the range alone gives; none where the range could not be read."""
    ends = range_now(facts)
    if not isinstance(ends, tuple):
        return ()
    low, high = (min(ends[0], lowest), _HIGHEST) if lowest else ends
    mode, own = facts.workload.bind_mode, facts.workload.bind_range
    chosen = mode is BindMode.EXPLICIT
    if own and mode in (BindMode.CONNECT, BindMode.NO_PORT):
        low, high = within((low, high), own)
        chosen = releases.holds(releases.named("own-range-by-one"), facts.machine.kernel) is not False
    ports = span(low, high)
    reserved = 0 if mode is BindMode.EXPLICIT else mask_of(facts.text("net.ipv4.ip_local_reserved_ports")) & ports
    step = facts.integer("net.ipv4.ip_local_port_step_width")
    found = reach(low, high, ports & ~reserved, bind=mode is BindMode.BIND, step=step if isinstance(step, int) else 0)
    if chosen:
        found = Reach((ports & ~reserved).bit_count(), (ports & ~reserved).bit_count(), None)
    return (
        PortPool(
            source="",
            backend=Backend("", 0),
            mode=mode,
            low=low,
            high=high,
            in_range=ports.bit_count(),
            reserved=reserved.bit_count(),
            blocked=0,
            usable=found.least,
            established=0,
            time_wait=0,
            other=0,
            free=found.least,
            free_most=found.most,
            knee=found.knee,
            usable_most=found.most,
        ),
    )


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
