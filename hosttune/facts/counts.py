"""How much of the kernel's tables is taken now, all users together; None where the host does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hosttune.errors import HostError
from hosttune.facts.machine import text
from hosttune.host import Host
from hosttune.model import Backend


@dataclass(frozen=True, slots=True)
class Counts:
    """`files` open files, `tracked` entries of conntrack here, `sockets` TCP sockets allocated, `threads` tasks,
    `neighbours` entries of the ARP table."""

    files: int | None
    tracked: int | None
    sockets: int | None
    threads: int | None
    neighbours: int | None


@dataclass(frozen=True, slots=True)
class Sockets:
    """`orphans` sockets without a program, `pages` of memory that TCP has, those of all namespaces."""

    orphans: int | None
    pages: int | None


def sockets(host: Host) -> Sockets:
    """Read what /proc/net/sockstat says of TCP (net/ipv4/proc.c)."""
    told = text(host, "/proc/net/sockstat")
    return Sockets(_first(r"^TCP: .*\borphan (\d+)", told), _first(r"^TCP: .*\bmem (\d+)", told))


def gather(host: Host) -> Counts:
    """Read the counts that /proc shows (proc_sys_fs(5), proc_net(5), proc_loadavg(5))."""
    sockstat = text(host, "/proc/net/sockstat")
    return Counts(
        files=_first(r"^(\d+)", text(host, "/proc/sys/fs/file-nr")),
        tracked=_first(r"^(\d+)$", text(host, "/proc/sys/net/netfilter/nf_conntrack_count")),
        sockets=_first(r"^TCP: .*\balloc (\d+)", sockstat),
        threads=_first(r"^\S+ \S+ \S+ \d+/(\d+) ", text(host, "/proc/loadavg")),
        # the table is one for the host; each row of a CPU repeats its size (net/core/neighbour.c)
        neighbours=_first(r"^([0-9a-f]{8}) ", text(host, "/proc/net/stat/arp_cache"), 16),
    )


def on_link(host: Host, backends: tuple[Backend, ...]) -> int | None:
    """Return how many of the backends' addresses are neighbours, not behind a gateway; None where no route tells."""
    wanted = sorted({b.address for b in backends})
    try:
        answers = host.probe("routes", destinations=wanted)
    except HostError:
        return None
    if any("gateway" not in answer for answer in answers.values()):
        return None
    return sum(bool(a["source"]) and not a["gateway"] for a in answers.values())


def _first(pattern: str, found: str, base: int = 10) -> int | None:
    match = re.search(pattern, found, re.M)
    return int(match[1], base) if match else None
