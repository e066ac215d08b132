"""Port pools: which local ports can still reach a backend from a source address, by the way they are bound.

Sets of ports are integers in which bit p stands for port p. The rules are those of net/ipv4/inet_hashtables.c
(__inet_hash_connect), net/ipv4/inet_connection_sock.c (inet_csk_find_open_port, inet_csk_bind_conflict) and
net/ipv4/tcp_ipv4.c (tcp_twsk_unique), held against the running kernel by the tests.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hosttune.addresses import is_loopback
from hosttune.errors import HostError, UsageError
from hosttune.host import Host, text
from hosttune.model import Backend, BindMode, PortPool, Reason
from hosttune.ports import mask_of, span

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # INADDR_ANY and in6addr_any, ip(7), ipv6(7)


@dataclass(frozen=True, slots=True)
class Held:
    """A port that a bind() owns, listening or not."""

    address: str
    port: int
    listen: bool
    v6only: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What the namespace's sysctls say: the range, the reserved ports, when TIME_WAIT may be taken over.

    `chosen`: the range is the program's own, which binds to a port of it by itself.
    """

    low: int
    high: int
    reserved: int
    tw_reuse: int
    timestamps: bool
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """Ports of the sockets from one source to one backend, by state, and of all sockets on that source."""

    established: int = 0
    time_wait: int = 0
    half_closed: int = 0
    other: int = 0
    on_source: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at the sockets gave, from which the pools of any range follow."""

    mode: BindMode
    settings: Settings
    pairs: tuple[tuple[str, Backend], ...]
    held: tuple[Held, ...]
    used: tuple[Used, ...]
    notes: tuple[str, ...]

    def pools(self, low: int = 0, high: int = 0) -> tuple[PortPool, ...]:
        """Return a pool for each source and backend; with `low` and `high` as if the range were these."""
        settings = replace(self.settings, low=low, high=high) if high else self.settings
        rows = zip(self.pairs, self.used, strict=True)
        return tuple(compute(source, b, self.mode, settings, self.held, used) for (source, b), used in rows)


def pools(
    host: Host,
    backends: tuple[Backend, ...],
    sources: tuple[str, ...],
    mode: BindMode,
    bind_range: tuple[int, int] | None,
) -> tuple[tuple[PortPool, ...], tuple[str, ...]]:
    """Return a pool for each source and backend, and notes; raises HostError where nothing can be counted."""
    counted = survey(host, backends, sources, mode, bind_range)
    return counted.pools(), counted.notes


def survey(
    host: Host,
    backends: tuple[Backend, ...],
    sources: tuple[str, ...],
    mode: BindMode,
    bind_range: tuple[int, int] | None,
) -> Survey:
    """Look at the sockets once; raises HostError where nothing can be counted."""
    settings = read_settings(host)
    if mode in (BindMode.EXPLICIT, BindMode.BIND) and bind_range:
        settings = Settings(*bind_range, 0, settings.tw_reuse, settings.timestamps, chosen=True)
    pairs, notes = _pairs(host, backends, sources)
    whole = mode in (BindMode.BIND, BindMode.EXPLICIT)
    answer = host.probe("sockets", backends=[[b.address, b.port] for b in backends], whole=whole)
    on_source = {entry["address"]: int(entry["ports"], 16) for entry in answer["local"]}
    tuples = {(t["source"], t["address"], t["port"]): t for t in answer["tuples"]}
    for source in _ANY_ADDRESS.intersection(sources):
        _join(source, on_source, tuples)
    counts = []
    for source, backend in pairs:
        row = tuples.get((source, backend.address, backend.port), {})
        counts.append(used_of(row, on_source.get(source, 0)))
    notes += [answer["limited"]] if "limited" in answer else []
    kernel = re.match(r"(\d+)\.(\d+)", text(host, "/proc/sys/kernel/osrelease"))
    if kernel and "limited" not in answer and (int(kernel[1]), int(kernel[2])) < (6, 8):
        notes.append("before Linux 6.8 sockets that are only bound are not shown: their ports count as free here")
    if mode is BindMode.BIND and len(backends) > 1:
        notes.append("bind() takes a port whatever the destination: the backends of a source share its pool")
    held = tuple(Held(h["address"], h["port"], h["listen"], h["v6only"]) for h in answer["held"])
    return Survey(mode, settings, tuple(pairs), held, tuple(counts), tuple(notes))


def used_of(row: Mapping[str, Any], on_source: int) -> Used:
    """Return what a row of the sockets probe says is in use; `on_source` are the ports of all sockets of the source."""
    sets = {name: int(row.get(name, "0"), 16) for name in ("established", "time_wait", "half_closed", "other")}
    return Used(**sets, on_source=on_source)


def _join(source: str, on_source: dict[str, int], tuples: dict[Any, dict[str, Any]]) -> None:
    """Add rows for a program that binds to no address in particular: those of all addresses of its family together.

    Each of its sockets has the address that routing picks, and its bind() conflicts with a socket on any of them.
    """
    for address, ports in list(on_source.items()):
        if _shares(source, address):
            on_source[source] = on_source.get(source, 0) | ports
    for (local, address, port), row in list(tuples.items()):
        if _shares(source, local):
            joined = tuples.setdefault((source, address, port), {})
            for name in ("established", "time_wait", "half_closed", "other"):
                joined[name] = hex(int(joined.get(name, "0"), 16) | int(row[name], 16))


def _shares(source: str, address: str) -> bool:
    """Say whether a bind() to 0.0.0.0 or :: meets sockets on an address; of :: also those of IPv4 (ipv6_only_sock)."""
    return address not in _ANY_ADDRESS and (source == "::" or ":" not in address)


def read_settings(host: Host) -> Settings:
    """Read the namespace's settings; raises HostError where the range cannot be read."""
    ends = host.read("/proc/sys/net/ipv4/ip_local_port_range").split()
    if len(ends) != 2 or not all(re.fullmatch("[0-9]{1,5}", end) and int(end) < 65536 for end in ends):
        raise HostError(Reason.MALFORMED, "net.ipv4.ip_local_port_range")
    reuse = text(host, "/proc/sys/net/ipv4/tcp_tw_reuse")
    return Settings(
        low=int(ends[0]),
        high=int(ends[1]),
        reserved=mask_of(text(host, "/proc/sys/net/ipv4/ip_local_reserved_ports")),
        tw_reuse=int(reuse) if reuse.isdecimal() else 0,
        timestamps=text(host, "/proc/sys/net/ipv4/tcp_timestamps") not in ("0", ""),
    )


def compute(
    source: str,
    backend: Backend,
    mode: BindMode,
    settings: Settings,
    held: tuple[Held, ...],
    used: Used,
    owned: int = 0,
) -> PortPool:
    """Return the pool of one pair, by pure set arithmetic; `owned` are ports that no connection can have beside."""
    ports = span(settings.low, settings.high)
    reserved = settings.reserved & ports if mode is not BindMode.EXPLICIT else 0
    blocked = (_blocked(source, mode, held) | owned) & ports & ~reserved
    usable = ports & ~reserved & ~blocked
    # FIN_WAIT2 without an owner is kept as TIME_WAIT is, and tcp_twsk_unique() makes no difference between them
    waiting = 0 if _reusable(source, backend, mode, settings) else used.time_wait | used.half_closed
    taken = used.established | used.other | waiting
    if mode is BindMode.BIND:
        taken |= used.on_source
    free = usable & ~taken
    # another program's socket on the port blocks an explicit bind, unless it set SO_REUSEADDR, which nothing shows
    least = free & ~used.on_source if mode is BindMode.EXPLICIT else free
    if mode is BindMode.EXPLICIT:
        least &= ~_owned(source, held)
    size = usable.bit_count()
    return PortPool(
        source=source,
        backend=backend,
        mode=mode,
        low=settings.low,
        high=settings.high,
        in_range=ports.bit_count(),
        reserved=reserved.bit_count(),
        blocked=blocked.bit_count(),
        usable=size,
        established=used.established.bit_count(),
        time_wait=used.time_wait.bit_count(),
        other=(used.other | used.half_closed).bit_count(),
        free=free.bit_count(),
        free_least=least.bit_count(),
        knee=None if mode is BindMode.EXPLICIT or settings.chosen else size // 2,
        notes=_notes(mode, settings, ports, used, waiting),
    )


def _blocked(source: str, mode: BindMode, held: tuple[Held, ...]) -> int:
    """Return the ports that no connection of this mode can have because a bind() owns them."""
    if mode in (BindMode.CONNECT, BindMode.NO_PORT):
        # __inet_hash_connect skips a bind()-made bucket without a look at its addresses
        return sum(1 << port for port in {h.port for h in held})
    if mode is BindMode.BIND:
        return _owned(source, held)
    return sum(1 << port for port in {h.port for h in held if h.listen and _meets(source, h)})


def _owned(source: str, held: tuple[Held, ...]) -> int:
    return sum(1 << port for port in {h.port for h in held if _meets(source, h)})


def _meets(source: str, held: Held) -> bool:
    """Say whether a bound socket's address conflicts with a bind() to `source` (inet_rcv_saddr_equal)."""
    if source == "::" or (source == "0.0.0.0" and ":" not in held.address):
        return True
    if held.address == "::":
        return not (held.v6only and ":" not in source)
    if held.address == "0.0.0.0":
        return ":" not in source
    return held.address == source


def _reusable(source: str, backend: Backend, mode: BindMode, settings: Settings) -> bool:
    """Say whether a tuple in TIME_WAIT can be taken over: it needs timestamps, and leave by sysctl or explicit bind."""
    if not settings.timestamps or mode is BindMode.BIND:
        return False
    if mode is BindMode.EXPLICIT:
        return True
    near = is_loopback(source) or is_loopback(backend.address)
    return settings.tw_reuse == 1 or (settings.tw_reuse == 2 and near)


def _notes(mode: BindMode, settings: Settings, ports: int, used: Used, waiting: int) -> tuple[str, ...]:
    notes = []
    if mode in (BindMode.CONNECT, BindMode.NO_PORT) and used.established:
        notes.append("open connections are taken to have their ports from connect(), as the kernel does not show it")
    if mode in (BindMode.CONNECT, BindMode.NO_PORT) and ports.bit_count() % 2:
        notes.append("the range has an odd number of ports: the last one is found only by luck")
    if (used.time_wait or used.half_closed) and not waiting and mode is not BindMode.BIND:
        notes.append("a port in TIME_WAIT counts as free: it can be taken over after tcp_tw_reuse_delay (1 s)")
    return tuple(notes)


def _pairs(
    host: Host, backends: tuple[Backend, ...], sources: tuple[str, ...]
) -> tuple[list[tuple[str, Backend]], list[str]]:
    if sources == ("all",):
        return _every_source(host, backends), []
    routed = [b.address for b in backends if not sources and not b.sources]
    answers: dict[str, Any] = host.probe("routes", destinations=sorted(set(routed))) if routed else {}
    pairs: list[tuple[str, Backend]] = []
    notes: list[str] = []
    for backend in backends:
        chosen = sources or backend.sources or _routed(backend, answers, notes)
        pairs.extend((s, backend) for s in chosen if (":" in s) == (":" in backend.address))
    if sources and not pairs:
        raise UsageError("--source: no address of the backends' family; name one, or leave it to routing")
    return pairs, notes


def _routed(backend: Backend, answers: Mapping[str, Any], notes: list[str]) -> tuple[str, ...]:
    """Return the source that routing picks towards a backend, () and a note where it picks none."""
    answer = answers.get(backend.address, {"source": ""})
    if answer["source"]:
        return (answer["source"],)
    notes.append(f"{backend}: no route: {answer.get('error') or 'no answer'}; its ports could not be counted")
    return ()


def _every_source(host: Host, backends: tuple[Backend, ...]) -> list[tuple[str, Backend]]:
    addresses = [ipaddress.ip_address(a) for a in host.probe("addresses")["addresses"]]
    pairs = []
    for backend in backends:
        target = ipaddress.ip_address(backend.address)
        for address in sorted((a for a in addresses if a.version == target.version), key=str):
            if address.is_loopback == target.is_loopback and not address.is_link_local:
                pairs.append((str(address), backend))
    return pairs
