"""Every limit of a host at which a number of connections can stop: one list, whatever rule speaks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hosttune import kernel
from hosttune.diagnosis import configured, pool_rows
from hosttune.diagnosis.clues import Clues
from hosttune.model import Program
from hosttune.model.programs import known_as

_SMALL = 0.02  # of a limit: tables are filled to their end, little is others'
_LOOSE = 0.06  # of a limit: listeners, log files and other connections take a part of it

_TABLES = (
    ("file-max", "fs.file-max", "read /proc/sys/fs/file-nr while it stalls"),
    ("nr-open", "fs.nr_open", "`grep 'open files' /proc/PID/limits` of the program: is it as high?"),
    ("conntrack", "net.netfilter.nf_conntrack_max", "read /proc/sys/net/netfilter/nf_conntrack_count while it stalls"),
    ("tw-buckets", "net.ipv4.tcp_max_tw_buckets", "`tw` of /proc/net/sockstat; TcpExtTCPTimeWaitOverflow of nstat"),
    ("orphans", "net.ipv4.tcp_max_orphans", "`orphan` of /proc/net/sockstat while it stalls"),
    ("neighbours", "net.ipv4.neigh.default.gc_thresh3", "`ip -4 neigh | wc -l` while it stalls"),
    ("neighbours", "net.ipv6.neigh.default.gc_thresh3", "`ip -6 neigh | wc -l` while it stalls"),
    ("syn-queue", "net.ipv4.tcp_max_syn_backlog", "`ss -Htn state syn-recv | wc -l` while it stalls"),
    ("pids", "kernel.threads-max", "the tasks in /proc/loadavg, behind the /, while it stalls"),
    ("pids", "kernel.pid_max", "the tasks in /proc/loadavg, behind the /, while it stalls"),
    ("epoll", "fs.epoll.max_user_watches", "ENOSPC of epoll_ctl(): strace -f -e trace=epoll_ctl -p PID"),
)
"""Kind of cause, sysctl, and what shows whether it is full: each stops what it counts at its value."""

_DEFAULTS = {
    "fs.nr_open": (kernel.NR_OPEN,),
    "net.netfilter.nf_conntrack_max": kernel.CONNTRACK_MAX,
}
"""What kernels have where nobody sets it, for hosts whose value could not be read."""

_NO_STOP = ("tw-buckets", "orphans", "syn-queue")
"""Kinds that count no open connections."""

_QUEUES = "`ss -ltn` while it stalls: Recv-Q above Send-Q is a full queue"
_PORTS = "`ss -tan` towards one destination, or `hosttune diagnose --backend HOST:PORT`, counts its ports"
_PARTS = {2: "half", 4: "a quarter"}
_SEARCH = "`perf top`: __inet_hash_connect, inet_csk_get_port"
_OWN = "its configuration and metrics"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number at which something stops: the `kind` of cause, its `name` as the end of "is just ...", its value.

    `reading` is what decides whether it does; `slack` the share of it that others commonly take. `stops`: a number of
    connections can stop there; others cut short what is closed, or half open.
    """

    kind: str
    name: str
    at: int
    reading: str
    slack: float = _SMALL
    stops: bool = True


def limits(clues: Clues) -> Iterator[Limit]:
    """Yield all of them that are known, with their kernel defaults where those are all that is known."""
    kinds = (_tables, _ports, _descriptors, _queues, _groups, _clouds, _own)
    yield from (limit for kind in kinds for limit in kind(clues) if limit.at > 0)


def _tables(clues: Clues) -> Iterator[Limit]:
    for kind, key, reading in _TABLES:
        value = clues.integer(key)
        if value is not None:
            yield Limit(kind, key, value, reading, _SMALL, kind not in _NO_STOP)
        else:
            for default in _DEFAULTS.get(key, ()):
                yield Limit(kind, f"{key} where nobody sets it", default, reading, _SMALL)
        if value is not None and kind == "conntrack":
            # a proxied connection has two entries
            yield Limit(kind, f"half of {key}, two entries a connection", value // 2, reading, _SMALL)


def _ports(clues: Clues) -> Iterator[Limit]:
    size, of = pool_rows.size_of_range(clues), "net.ipv4.ip_local_port_range"
    if not size:
        low, high = kernel.LOCAL_PORTS
        size, of = high - low + 1, f"{of} where nobody sets it"
    known = pool_rows.destinations(clues)
    for count in (known,) if known else range(1, pool_rows.WIDEST + 1):
        name = f"the ports of {of}" if count == 1 else f"{count:,} times the ports of {of}"
        yield Limit("ports", name, size * count, _PORTS, _LOOSE if known else _LOOSE / count)
    half = f"half of the ports of {of}, from where connect() is slow"
    yield Limit("knee", half, size // 2 * max(known, 1), _SEARCH, _LOOSE / 2)
    for part in pool_rows.parts(clues):
        old = f"{_PARTS[part]} of the ports of {of}, all that bind() with SO_REUSEADDR gets on this kernel"
        yield Limit("ports", old, size // part, _PORTS, _LOOSE)


def _descriptors(clues: Clues) -> Iterator[Limit]:
    for program in clues.programs:
        reading = f"`ls /proc/{program.pid}/fd | wc -l` while it stalls"
        for value, name in _of_process(program):
            yield Limit("nofile", f"{name} of {program}", value, reading, _LOOSE)
    if not clues.programs:
        reading = "`grep 'open files' /proc/PID/limits` of the program itself"
        name = "the soft limit of descriptors where nobody sets one"
        yield Limit("nofile", name, kernel.INR_OPEN_CUR, reading, _LOOSE)


def _of_process(program: Program) -> Iterator[tuple[int, str]]:
    if program.soft is not None:
        yield program.soft, "the soft limit of descriptors"
        yield program.soft // 2, "half the soft limit of descriptors (a proxied connection takes two)"
    if program.hard is not None and program.hard != program.soft:
        yield program.hard, "the hard limit of descriptors"


def _queues(clues: Clues) -> Iterator[Limit]:
    """Yield how many a listener holds before one is accepted: one more than its backlog (sk_acceptq_is_full)."""
    most = clues.integer("net.core.somaxconn")
    if most is not None:
        yield Limit("accept-queue", "what a queue of net.core.somaxconn holds", most + 1, _QUEUES)
    for listener in clues.listeners:
        yield Limit("backlog", f"what the accept queue of {listener} holds", listener.backlog + 1, _QUEUES)


def _groups(clues: Clues) -> Iterator[Limit]:
    for group in clues.limits_of("pids"):
        yield Limit("pids", f"the tasks of {group.group}", group.limit, f"read {group.file} and pids.current there")


def _clouds(clues: Clues) -> Iterator[Limit]:
    """Yield the ports that a provider's NAT gives by default: of the provider that is seen, else of none."""
    for cloud in clues.clouds:
        for gateway in cloud.gateway if cloud.name == clues.machine.cloud else ():
            for many in range(1, gateway.addresses + 1):
                text = f"{many:,} times " if many > 1 else ""
                name = f"{text}the default of {cloud.title} for {gateway.what} (noted {gateway.noted})"
                yield Limit("nat-gateway", name, gateway.ports * many, f"its own metric: {cloud.metric}")


def _own(clues: Clues) -> Iterator[Limit]:
    """Yield what the program's configuration sets, what a role's bounds say of it; where none was read, its default."""
    for own in configured.held(clues):
        yield Limit("own-limit", own.name, own.most, own.where, _LOOSE)
    for bound in clues.bounds:
        if isinstance(bound.hard, int) and bound.unit == "connections" and bound.kind == "maxconn":
            yield Limit("own-limit", bound.name, bound.hard, bound.reads or _OWN, _LOOSE)
    for name in () if clues.configuration else _programs(clues):
        known = known_as(clues.known, name)
        trait = known.traits.most
        reading = f"look for {known.maximum}" if known.maximum else _OWN
        yield Limit("own-limit", f"the default of {name}: {trait.why} ({trait.seen})", trait.value, reading)


def _programs(clues: Clues) -> tuple[str, ...]:
    """Return the programs that the person named, or whose log was given."""
    named = [program.name for program in clues.programs if clues.named]
    return tuple(dict.fromkeys((*named, *(hit.program for hit in clues.symptom.hits))))
