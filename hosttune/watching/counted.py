"""Which counters a look keeps: those that a report of a benchmark shows, by their names in facts/counters.py."""

from __future__ import annotations

from collections.abc import Mapping

LEVELS = {
    "Tcp.CurrEstab": "established",
    "sockstat.TCP.inuse": "TCP sockets in use",
    "sockstat.TCP6.inuse": "TCP sockets in use, IPv6",
    "sockstat.TCP.alloc": "TCP sockets of the host",
    "sockstat.TCP.orphan": "orphans",
    "sockstat.TCP.tw": "TIME_WAIT",
    "sockstat.TCP.mem": "TCP pages",
    "conntrack.count": "conntrack entries",
    "files.open": "open files of the host",
    "memory.MemTotal": "memory",
    "memory.MemAvailable": "memory available",
    "memory.Slab": "kernel objects (slab)",
}
"""What goes up and down, and what it is called."""

OPENED = {
    "Tcp.ActiveOpens": "connections opened",
    "Tcp.PassiveOpens": "connections accepted",
    "Tcp.AttemptFails": "attempts failed",
    "Tcp.EstabResets": "connections reset",
}

SENT_AGAIN = {
    "Tcp.RetransSegs": "retransmitted segments",
    "TcpExt.TCPSynRetrans": "retransmitted SYNs",
    "TcpExt.TCPTimeouts": "retransmission timeouts",
}

DROPPED = {
    "TcpExt.ListenOverflows": "accept queue full",
    "TcpExt.ListenDrops": "dropped by listeners",
    "TcpExt.TCPReqQFullDrop": "SYN queue full",
    "TcpExt.TCPTimeWaitOverflow": "TIME_WAIT table full",
    "TcpExt.TCPBacklogDrop": "socket backlog full",
    "TcpExt.TCPAbortOnMemory": "aborted for memory",
    "TcpExt.PAWSEstab": "old timestamps (PAWS)",
    "softnet.dropped": "softnet backlog full",
    "conntrack.drop": "conntrack drops",
    "conntrack.insert_failed": "conntrack insert failed",
    "conntrack.early_drop": "conntrack early drops",
    "arp_cache.table_fulls": "neighbour table full",
    "ena.conntrack_allowance_exceeded": "cloud quota of connections",
}
"""Each counter of something that was not carried. ListenDrops has ListenOverflows within it (net/ipv4/tcp_ipv4.c)."""

TROUBLE = (*SENT_AGAIN, *DROPPED)
"""Counters that rise where something goes wrong."""

_WITHIN = ("TcpExt.ListenOverflows", "TcpExt.TCPReqQFullDrop")

OTHERS = {
    "TcpExt.TCPReqQFullDoCookies": "SYN cookies sent",
    "TcpExt.SyncookiesRecv": "SYN cookies that came back",
    "softnet.squeezed": "softnet out of time",
    "vmstat.oom_kill": "processes killed for memory",
    "cpu.system": "CPU in the kernel",
    "cpu.softirq": "CPU in softirq",
    "cpu.user": "CPU of programs",
}

NAMES = {**LEVELS, **OPENED, **SENT_AGAIN, **DROPPED, **OTHERS}


def kept(counters: Mapping[str, int]) -> dict[str, int]:
    """Return the counters that a look keeps, of all that a host shows."""
    return {name: counters[name] for name in NAMES if name in counters}


def rates(before: Mapping[str, int], now: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Return how fast each moved, per second; none where no time lies between. A counter that fell began anew."""
    if seconds <= 0:
        return {}
    moved = {name: now[name] - before[name] for name in now if name in before}
    return {name: (change if name in LEVELS else max(change, 0)) / seconds for name, change in moved.items()}


def drops(rates: Mapping[str, float]) -> float | None:
    """Return all that was dropped per second, each once; None where no such rate is known."""
    each = [rate for name, rate in rates.items() if name in DROPPED and name not in _WITHIN]
    return sum(each) if each else None


def ghosts(rates: Mapping[str, float]) -> float | None:
    """Return how many clients per second, at least, are connected that the server never had.

    Each ACK with a valid cookie counts in SyncookiesRecv, each that became a socket in PassiveOpens; where the accept
    queue overflowed, the others were dropped in silence (net/ipv4/syncookies.c, tcp_get_cookie_sock()). None where one
    of the three is not known.
    """
    received, made, full = (
        rates.get(name) for name in ("TcpExt.SyncookiesRecv", "Tcp.PassiveOpens", "TcpExt.ListenOverflows")
    )
    if received is None or made is None or full is None:
        return None
    return max(received - made, 0.0) if full else 0.0
