"""Port pools: which local ports can still reach a backend from a source address, by the way they are bound.

Sets of ports are integers in which bit p stands for port p. The rules are those of net/ipv4/inet_hashtables.c
(__inet_hash_connect), net/ipv4/inet_connection_sock.c (inet_csk_find_open_port, inet_csk_bind_conflict) and
net/ipv4/tcp_ipv4.c (tcp_twsk_unique), held against the running kernel by the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hosttune import releases
from hosttune.addresses import bare, is_loopback
from hosttune.errors import HostError
from hosttune.facts import any_address, bind_mode, choices, devices, holders, reuse
from hosttune.facts.held import Held as Held
from hosttune.facts.held import blocked_by, owned_by
from hosttune.facts.holders import Holders
from hosttune.facts.in_use import Used as Used
from hosttune.facts.in_use import used_of as used_of
from hosttune.facts.pairs import Pair, distinct, paired
from hosttune.facts.reuse import Waiting
from hosttune.host import Host, text
from hosttune.model import Backend, BindMode, Caller, PortPool, Reason
from hosttune.ports import Reach, mask_of, reach, span, within

NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the namespace's sysctls say: the range, the reserved ports, when TIME_WAIT may be taken over.

    `chosen`: the range is the program's own, and is searched port by port: it binds by itself, or gives the range to
    connect() (IP_LOCAL_PORT_RANGE). `step` is net.ipv4.ip_local_port_step_width, 0 where it is off or unknown to the
    kernel. `half_closed`: a port in FIN_WAIT2 is taken over as one in TIME_WAIT is; None where the release hides it.
    """

    low: int
    high: int
    reserved: int
    tw_reuse: int
    timestamps: bool
    chosen: bool = False
    step: int = 0
    half_closed: bool | None = False

    @property
    def rules(self) -> reuse.Rules:
        """What decides of ports in TIME_WAIT."""
        return reuse.Rules(self.tw_reuse, self.timestamps, self.half_closed)

    def within(self, own: tuple[int, int], kernel: str) -> Settings:
        """Return them for a socket with a range of its own: since Linux 6.8 that is not searched by parity."""
        low, high = within((self.low, self.high), own)
        stepless = releases.holds(releases.named("own-range-by-one"), kernel) is not False
        return replace(self, low=low, high=high, chosen=stepless)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at the sockets gave, from which the pools of any range follow.

    `routes` are the ways that were asked for, by destination: where nothing else names a source, routing picks it.
    `ways` say of each pair on what it depends, and whether the kernel refuses it.
    `holders` are the connected sockets that keep ports from others, None where none can; `own` is the range that the
    program itself has, and `kernel` the release. `stamps` say of destinations whether they have TCP timestamps.
    `beside` are the open connections of other sources towards the backends, by source.
    """

    mode: BindMode
    settings: Settings
    pairs: tuple[tuple[str, Backend], ...]
    held: tuple[Held, ...]
    used: tuple[Used, ...]
    notes: tuple[str, ...]
    routes: Mapping[str, Any]
    holders: Holders | None = None
    own: tuple[int, int] | None = None
    kernel: str = ""
    ways: tuple[Pair, ...] = ()
    stamps: Mapping[str, bool] = field(default_factory=dict)
    beside: Mapping[tuple[str, Backend], int] = field(default_factory=dict)

    @property
    def routed(self) -> dict[str, str]:
        """The sources that routing picks, by destination."""
        return {address: way["source"] for address, way in self.routes.items() if way["source"]}

    def pools(self, low: int = 0, high: int = 0) -> tuple[PortPool, ...]:
        """Return a pool for each source and backend; with `low` and `high` as if the range were these."""
        alike: dict[tuple[object, ...], PortPool] = {}
        made = []
        for (source, b), used in zip(self.pairs, self.used, strict=True):
            # of thousands of backends nearly all are alike: what a pool comes to follows from these
            mode = b.mode or self.mode
            shut = self.holders.of(mode, bare(source), b) if self.holders and self.holders.any else (0, 0)
            stamped = self.stamps.get(b.address)
            key = (source, is_loopback(b.address), b.mode, b.ports, used, shut, stamped)
            if key not in alike:
                settings = self.settings_of(b, low, high)
                alike[key] = compute(source, b, mode, settings, self.held, used, *shut, stamps=stamped)
            made.append(replace(alike[key], backend=b))
        return choices.marked(made, self.ways)

    def carried(self, low: int = 0, high: int = 0) -> tuple[PortPool, ...]:
        """Return the pools of which a program has all: those of which it has one are a single one with both ends."""
        return choices.together(self.pools(low, high), self.ways)

    def settings_of(self, backend: Backend, low: int, high: int) -> Settings:
        """Return the settings of a backend: its program may have a range of its own towards it.

        A program that binds may widen its own range; one that gives it to connect() has what lies within the host's.
        """
        own, mode = backend.ports or self.own, backend.mode or self.mode
        if own and mode in (BindMode.EXPLICIT, BindMode.BIND):
            ends = (low, high) if high else own
            return replace(self.settings, low=ends[0], high=ends[1], reserved=0, chosen=True)
        settings = replace(self.settings, low=low, high=high) if high else self.settings
        return settings.within(own, self.kernel) if own else settings


def pools(
    host: Host,
    backends: tuple[Backend, ...],
    sources: tuple[str, ...],
    mode: BindMode,
    bind_range: tuple[int, int] | None,
    caller: Caller = NOBODY,
) -> tuple[tuple[PortPool, ...], tuple[str, ...]]:
    """Return a pool for each source and backend, and notes; raises HostError where nothing can be counted."""
    return (counted := survey(host, backends, sources, mode, bind_range, caller)).pools(), counted.notes


def survey(
    host: Host,
    backends: tuple[Backend, ...],
    sources: tuple[str, ...],
    mode: BindMode,
    bind_range: tuple[int, int] | None,
    caller: Caller = NOBODY,
) -> Survey:
    """Look at the sockets once; raises HostError where nothing can be counted."""
    settings = read_settings(host)
    matched = paired(host, backends, sources, caller)
    ways, notes = distinct(matched.pairs, mode), matched.notes
    pairs = [(way.source, way.backend) for way in ways]
    whole = any((b.mode or mode) in (BindMode.BIND, BindMode.EXPLICIT) for b in backends)
    goals = dict.fromkeys((b.address, b.port) for b in backends)
    answer = host.probe("sockets", backends=[list(goal) for goal in goals], whole=whole)
    answer = devices.within(host, answer, caller.device or "", backends)
    on_source = {entry["address"]: int(entry["ports"], 16) for entry in answer["local"]}
    tuples = {(t["source"], t["address"], t["port"]): t for t in answer["tuples"]}
    for source in any_address.ANY.intersection(sources):
        any_address.join(source, on_source, tuples)
    counts = []
    for source, backend in pairs:
        row = tuples.get((bare(source), backend.address, backend.port), {})
        counts.append(used_of(row, on_source.get(bare(source), 0)))
    notes += [answer["limited"]] if "limited" in answer else []
    kernel = text(host, "/proc/sys/kernel/osrelease")
    if "limited" not in answer and releases.holds(releases.named("bound-inactive"), kernel) is False:
        notes.append(
            "before Linux 6.8 sockets that are bound and not connected are not shown: their ports count as free here"
        )
    if mode is BindMode.BIND and len(backends) > 1:
        notes.append("bind() takes a port whatever the destination: the backends of a source share its ports")
    held = tuple(Held(h["address"], h["port"], h["listen"], h["v6only"]) for h in answer["held"])
    counted = (tuple(pairs), held, tuple(counts), tuple(notes))
    found = Survey(mode, settings, *counted, matched.ways, None, bind_range, kernel, tuple(ways))
    modes = {b.mode or mode for b in backends}
    waiting = [Waiting(each.time_wait, each.half_closed) for each in counts]
    named = {(bare(source), b.address, b.port) for source, b in pairs}
    others = {
        (source, Backend(*goal)): used_of(row, 0).established
        for (source, *goal), row in tuples.items()
        if (source, *goal) not in named
    }
    found = replace(found, beside={pair: ports.bit_count() for pair, ports in others.items() if ports})
    found = replace(found, stamps=reuse.stamps(host, modes, settings.rules, zip(pairs, waiting, strict=True)))
    return _with_holders(host, found, tuples, caller.device or "")


def _with_holders(host: Host, found: Survey, tuples: Mapping[Any, Any], device: str) -> Survey:
    """Add the connected sockets that keep ports from others, with a note where that is not known of all."""
    if not (ranges := [found.settings_of(backend, 0, 0) for _, backend in found.pairs]):
        return found
    modes = {backend.mode or found.mode for _, backend in found.pairs}
    ends = (min(each.low for each in ranges), max(each.high for each in ranges))
    own = frozenset((bare(source), Backend(b.address, b.port)) for source, b in found.pairs)
    used = {(source, Backend(*goal)): used_of(row, 0).every for (source, *goal), row in tuples.items()}
    space = bind_mode.room(found.settings.low, found.settings.high, found.settings.reserved)
    held = mask_of(",".join({str(row.port) for row in found.held}))
    ended = bool(found.settings.tw_reuse) and any(each.time_wait | each.half_closed for each in found.used)
    others = holders.gather(host, used, own, ends, space, held, modes, device, ended)
    if others is None:
        return found
    counted = zip(found.pairs, found.used, strict=True)
    found = replace(found, used=tuple(_by_maker(others, bare(source), b, each) for (source, b), each in counted))
    return replace(found, holders=others, notes=(*found.notes, *others.notes(modes)))


def _by_maker(others: Holders, source: str, backend: Backend, used: Used) -> Used:
    """Return what is in use of a pair, with which of it a bind() owns: that matters of connections that have ended."""
    if not used.time_wait | used.half_closed:
        return used
    bound, unsure = others.made(source, backend)
    return replace(used, bound=bound, unsure=unsure)


def read_settings(host: Host) -> Settings:
    """Read the namespace's settings; raises HostError where the range cannot be read."""
    ends = host.read("/proc/sys/net/ipv4/ip_local_port_range").split()
    if len(ends) != 2 or not all(re.fullmatch("[0-9]{1,5}", end) and int(end) < 65536 for end in ends):
        raise HostError(Reason.MALFORMED, "net.ipv4.ip_local_port_range")
    mode = text(host, "/proc/sys/net/ipv4/tcp_tw_reuse")
    kernel = text(host, "/proc/sys/kernel/osrelease")
    step = text(host, "/proc/sys/net/ipv4/ip_local_port_step_width")
    return Settings(
        low=int(ends[0]),
        high=int(ends[1]),
        reserved=mask_of(text(host, "/proc/sys/net/ipv4/ip_local_reserved_ports")),
        tw_reuse=int(mode) if mode.isdecimal() else 0,
        timestamps=text(host, "/proc/sys/net/ipv4/tcp_timestamps") not in ("0", ""),
        step=int(step) if step.isdecimal() else 0,
        half_closed=_taken_over(kernel),
    )


def _taken_over(kernel: str) -> bool | None:
    """Say whether connect() takes over ports in FIN_WAIT2; None where the release does not tell."""
    kept = releases.holds(releases.named("half-closed-kept"), kernel)
    return None if kept is None else not kept


def compute(
    source: str,
    backend: Backend,
    mode: BindMode,
    settings: Settings,
    held: tuple[Held, ...],
    used: Used,
    owned: int = 0,
    unsure: int = 0,
    stamps: bool | None = None,
) -> PortPool:
    """Return the pool of one pair, by pure set arithmetic.

    `owned` are ports that no connection can have beside what `held` shows, `unsure` those that may be such. `stamps`:
    whether the destination has TCP timestamps, None where that is not known.
    """
    ports = span(settings.low, settings.high)
    reserved = settings.reserved & ports if mode is not BindMode.EXPLICIT else 0
    blocked = (blocked_by(source, mode, held) | owned) & ports & ~reserved
    open_ = ports & ~reserved & ~blocked
    waiting = Waiting(used.time_wait, used.half_closed, used.bound, used.unsure)
    left = reuse.left((source, backend.address), mode, settings.rules, waiting, stamps)
    taken = used.established | used.other | left.kept
    if mode is BindMode.BIND:
        taken |= used.on_source
    if mode is BindMode.EXPLICIT:
        # a socket on the port refuses an explicit bind, unless it set SO_REUSEADDR, which nothing shows
        unsure |= owned_by(source, held)
    sure = open_ & ~unsure
    least, most = _reach(mode, settings, sure), _reach(mode, settings, open_)
    free, free_most = _reach(mode, settings, sure & ~taken & ~left.unknown), _reach(mode, settings, open_ & ~taken)
    return PortPool(
        source=source,
        backend=backend,
        mode=mode,
        low=settings.low,
        high=settings.high,
        in_range=ports.bit_count(),
        reserved=reserved.bit_count(),
        blocked=blocked.bit_count(),
        usable=least.least,
        usable_most=most.most,
        established=used.established.bit_count(),
        time_wait=used.time_wait.bit_count(),
        other=(used.other | used.half_closed).bit_count(),
        free=free.least,
        free_most=free_most.most,
        knee=least.knee,
        notes=(*_notes(mode, settings, ports), *left.notes),
        stamps=stamps,
    )


def _reach(mode: BindMode, settings: Settings, ports: int) -> Reach:
    """Return how many of a range's ports are found: by a program's own search all of them."""
    if mode is BindMode.EXPLICIT or settings.chosen:
        return Reach(ports.bit_count(), ports.bit_count(), None)
    return reach(settings.low, settings.high, ports, bind=mode is BindMode.BIND, step=settings.step)


def _notes(mode: BindMode, settings: Settings, ports: int) -> tuple[str, ...]:
    notes = []
    size = ports.bit_count()
    if mode is not BindMode.EXPLICIT and not settings.chosen and size > 1 and size % 2:
        found = "the last one is never looked at" if size == 3 else "the last one is found only by luck"
        notes.append(f"the range has an odd number of ports: {found}")
    if settings.step and mode is not BindMode.EXPLICIT:
        notes.append("net.ipv4.ip_local_port_step_width is set: no number is known from which the search is slow")
    return tuple(notes)
