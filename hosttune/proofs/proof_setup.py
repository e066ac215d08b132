"""What an experiment starts from, read once through the host seam, and what it foretells."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hosttune.errors import HostError
from hosttune.facts import counters, pool
from hosttune.facts.held import Held
from hosttune.host import Host, proc, text
from hosttune.model import Backend, BindMode, Unknown, Workload
from hosttune.ports import span

COPIED = (
    "net/core/somaxconn",
    "net/ipv4/ip_autobind_reuse",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_local_port_step_width",
    "net/ipv4/ip_local_reserved_ports",
    "net/ipv4/ip_unprivileged_port_start",
    "net/ipv4/tcp_abort_on_overflow",
    "net/ipv4/tcp_fin_timeout",
    "net/ipv4/tcp_max_syn_backlog",
    "net/ipv4/tcp_max_tw_buckets",
    "net/ipv4/tcp_rmem",
    "net/ipv4/tcp_syn_retries",
    "net/ipv4/tcp_synack_retries",
    "net/ipv4/tcp_syncookies",
    "net/ipv4/tcp_timestamps",
    "net/ipv4/tcp_tw_reuse",
    "net/ipv4/tcp_tw_reuse_delay",
    "net/ipv4/tcp_wmem",
)
"""Keys below /proc/sys, per namespace, that the namespace gets from the host where the host has them."""

CONNECTION = 8400  # bytes: two sockets of capacity.kernel.SOCKET
MOST_HELD = 5000
_SOURCE, _BACKEND = "192.0.2.{}", "198.51.100.{}"  # for documentation, RFC 5737: no host has them
_SOURCE6, _BACKEND6 = "2001:db8::1:{}", "2001:db8::2:{}"  # RFC 3849
_PORT = 1883

Pair = tuple[str, Backend]


@dataclass(frozen=True, slots=True)
class Hold:
    """A port held by bind() in the namespace; `share`: with SO_REUSEADDR."""

    address: str
    port: int
    listen: bool
    v6only: bool = False
    share: bool = False

    @property
    def plain(self) -> tuple[str, int, bool, bool, bool]:
        return (self.address, self.port, self.listen, self.v6only, self.share)


@dataclass(frozen=True, slots=True)
class Setup:
    """The host as the namespace is to be: `pairs` are of the workload, or addresses for documentation.

    `sysctls` are texts by path below /proc/sys. `named`: the user named backends. `memory` is MemAvailable in bytes,
    `nofile` the soft and hard limit of this process, `budget` seconds for everything, `kernel` its release.
    """

    sysctls: dict[str, str]
    settings: pool.Settings
    reserved: str
    pairs: tuple[Pair, ...]
    mode: BindMode
    bind_range: tuple[int, int] | None
    held: tuple[Hold, ...]
    named: bool
    ipv6: bool
    memory: int
    nofile: tuple[int, int]
    root: bool
    budget: float
    conntrack_max: int | None = None
    watches: int | None = None
    kernel: str = ""
    notes: tuple[str, ...] = ()

    def number(self, path: str, default: int) -> int:
        """Return a sysctl that is one number; the default where the host has no such key."""
        text = self.sysctls.get(path, "")
        return int(text) if text.lstrip("-").isdecimal() else default


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an experiment foretells, and what it takes to try it.

    `accepts` are the lowest and the highest measurement that agree, `tolerance` why these. `args` go to measure();
    `seconds` and `memory` (bytes) are what it is expected to take.
    """

    id: str
    what: str
    setting: str
    predicted: int | Unknown
    accepts: tuple[int, int]
    unit: str
    fails: str
    args: dict[str, Any] = field(default_factory=dict)
    tolerance: str = "exact"
    seconds: float = 1.0
    memory: int = 0
    notes: tuple[str, ...] = ()


def examples(sources: int, backends: int, version: int = 4) -> tuple[Pair, ...]:
    """Return every pair of so many sources and backends, of addresses that are for documentation."""
    ours, theirs = (_SOURCE, _BACKEND) if version == 4 else (_SOURCE6, _BACKEND6)
    return tuple(
        (ours.format(s), Backend(theirs.format(b), _PORT))
        for s in range(1, sources + 1)
        for b in range(1, backends + 1)
    )


def gather(host: Host, workload: Workload, root: bool, budget: float) -> Setup:
    """Read the host; raises HostError where the range cannot be read."""
    settings = pool.read_settings(host)
    pairs: Sequence[Pair] = examples(1, 1)
    notes: tuple[str, ...] = ()
    if workload.backends:
        pools, notes = pool.pools(host, workload.backends, workload.sources, workload.bind_mode, workload.bind_range)
        pairs = [(p.source, p.backend) for p in pools]
    held, more = _held(host, span(settings.low, settings.high) | span(*(workload.bind_range or (1, 0))))
    return Setup(
        sysctls={path: value for path in COPIED if (value := _sysctl(host, path))},
        settings=settings,
        reserved=text(host, "/proc/sys/net/ipv4/ip_local_reserved_ports"),
        pairs=tuple(pairs),
        mode=workload.bind_mode,
        bind_range=workload.bind_range,
        held=held,
        named=bool(workload.backends),
        ipv6=bool(host.glob("/proc/net/if_inet6")),
        memory=_available(host),
        nofile=resource.getrlimit(resource.RLIMIT_NOFILE),
        root=root,
        budget=budget,
        conntrack_max=_number(host, "/proc/sys/net/netfilter/nf_conntrack_max"),
        watches=_number(host, "/proc/sys/fs/epoll/max_user_watches"),
        kernel=text(host, "/proc/sys/kernel/osrelease").strip(),
        notes=notes + more,
    )


def _sysctl(host: Host, path: str) -> str:
    return " ".join(text(host, f"/proc/sys/{path}").split())


def _number(host: Host, path: str) -> int | None:
    value = text(host, path)
    return int(value) if value.isdecimal() else None


def _available(host: Host) -> int:
    """Return the bytes that can be had: MemAvailable, or less where a cgroup allows less (cgroups(7), version 2)."""
    amounts = [counters.read(host, "/proc/meminfo").get("memory.MemAvailable", 0)]
    own = next((path for names, path in proc.groups(text(host, "/proc/self/cgroup")) if not names), "/")
    parts = [part for part in own.split("/") if part]
    for depth in range(len(parts) + 1):
        group = "/".join(["/sys/fs/cgroup", *parts[:depth]])
        most, used = _number(host, f"{group}/memory.max"), _number(host, f"{group}/memory.current")
        if most is not None:
            amounts.append(max(most - (used or 0), 0))
    return min(amounts)


def _held(host: Host, inside: int) -> tuple[tuple[Hold, ...], tuple[str, ...]]:
    """Return the ports of a set that bind() owns on the host, each of an address once."""
    try:
        rows = [
            Held(h["address"], h["port"], h["listen"], h["v6only"]) for h in host.probe("sockets", backends=[])["held"]
        ]
    except HostError as error:
        return (), (f"which ports are held on the host is not known: {error}",)
    holds: dict[tuple[str, int], Hold] = {}
    for row in rows:
        if inside >> row.port & 1 and (row.listen or (row.address, row.port) not in holds):
            holds[row.address, row.port] = Hold(row.address, row.port, row.listen, row.v6only)
    kept = tuple(sorted(holds.values(), key=lambda h: h.plain))[:MOST_HELD]
    cut = len(holds) - len(kept)
    return kept, ((f"{cut:,} more ports that the host holds were left out",) if cut else ())


def as_held(holds: Sequence[Hold]) -> tuple[Held, ...]:
    return tuple(Held(h.address, h.port, h.listen, h.v6only) for h in holds)
