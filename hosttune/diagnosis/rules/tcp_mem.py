"""TCP has all the memory that tcp_mem allows: what is sent is dropped, though connections are still made.

net/core/sock.c, __sk_mem_raise_allocated(); net/ipv4/tcp_input.c, tcp_prune_queue(), tcp_data_queue(); tcp(7). It is of
the whole host, in pages; each socket with unread data takes one at least.
"""

from __future__ import annotations

from hosttune.diagnosis import kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Traffic

RIVALS = ("orphans", "memory", "accept-queue", "path")
_ID = "tcp-mem"
_WHAT = "the memory for data in TCP sockets runs out"
_KEY, _PAGES = "net.ipv4.tcp_mem", "sockstat.TCP.mem"
_WHERE = "/proc/net/sockstat mem, net.ipv4.tcp_mem"
_NETSTAT = "/proc/net/netstat"
_PRESSURE = "TcpExt.TCPMemoryPressures"
_DROPS = ("TcpExt.PruneCalled", "TcpExt.TCPRcvQDrop", "TcpExt.RcvPruned")
_WORDS = ("consider tuning tcp_mem",)
_ERRNOS = ("ENOBUFS", "ENOMEM", "ETIMEDOUT", "ECONNRESET", "EAGAIN", "none")
_FULL = 0.98  # each CPU keeps up to 1 MiB that does not show (net/core/sock.c, SK_MEMORY_PCPU_RESERVE, Linux 6.0)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether the pages are at the limit, or at the pressure mark; else what the kernel said, or why not."""
    pages, told = _most(clues), clues.numbers(_KEY)
    spoken = kernel_lines.fresh(clues, *_WORDS)
    if pages is None or not told or len(told) != 3:
        if spoken or any(_named(hit.causes) for hit in clues.hits(_ID)):
            return (_cause(clues, Certainty.LIKELY, pages, None),)
        if clues.hits(_ID):
            return (_cause(clues, Certainty.POSSIBLE, pages, None),)
        why = clues.limits.get(_KEY) if pages is not None else None
        return (saying.unknown(_ID, _WHAT, f"{_KEY} could not be read: {why}" if why else "sockstat was not seen"),)
    dropping = any(clues.rates.rose(name) for name in _DROPS)
    if pages >= told[2] * _FULL or (pages >= told[1] and (dropping or spoken or clues.rates.rose(_PRESSURE))):
        return (_cause(clues, Certainty.CERTAIN, pages, told),)
    if pages >= told[1] or spoken or clues.rates.rose(_PRESSURE):
        return (_cause(clues, Certainty.LIKELY, pages, told),)
    if any(_named(hit.causes) for hit in clues.hits(_ID)):
        return (_cause(clues, Certainty.POSSIBLE, pages, told),)
    once = saying.once(clues, _PRESSURE, _NETSTAT)
    evidence = (_count(clues, pages, told), *((once,) if once else ()), *kernel_lines.old(clues, *_WORDS))
    return (Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=evidence),)


def _named(causes: tuple[str, ...]) -> bool:
    """Say whether a line names this cause before any other."""
    return causes[:1] == (_ID,)


def _most(clues: Clues) -> int | None:
    """Return the pages, the more of the two gatherings."""
    counts = [sample.counters.get(_PAGES) for sample in (clues.rates.before, clues.rates.now)]
    return max((count for count in counts if count is not None), default=None)


def _count(clues: Clues, pages: int, told: tuple[int, ...] | None) -> Evidence:
    page = clues.machine.page_size
    size = f" ({pages * page / 2**20:,.0f} MiB)" if page else ""
    if not told:
        return Evidence(f"TCP has {pages:,} pages{size}", _WHERE)
    marks = f"pressure from {told[1]:,}, the limit is {told[2]:,}"
    return Evidence(f"TCP has {pages:,} pages{size}; {marks}", _WHERE)


def _cause(clues: Clues, certainty: Certainty, pages: int | None, told: tuple[int, ...] | None) -> Cause:
    heard, page = clues.heard(*_ERRNOS), clues.machine.page_size
    size = f" of {page >> 10} KiB" if page else ""
    certainty = Certainty.POSSIBLE if heard is False else certainty
    moved = (saying.moved(clues, name, _NETSTAT) for name in (_PRESSURE, *_DROPS))
    evidence = (
        *((_count(clues, pages, told),) if pages is not None else ()),
        *(one for one in moved if one),
        *_queues(clues),
        *kernel_lines.fresh(clues, *_WORDS),
        *saying.heard(clues),
        *saying.logged(clues, _ID),
    )
    return Cause(
        _ID,
        _WHAT,
        certainty,
        told[2] if told else None,
        "pages",
        evidence=evidence,
        against=saying.other(clues, heard, "no errno, or ENOBUFS"),
        log="no error, as a rule: transfers slow down and stop, retransmissions rise; the kernel may reset orphans",
        fixes=(
            "find the programs that do not read, or the peers that do not take what is sent: ss -tm shows whose",
            f"sudo hosttune apply --role ROLE, for {_KEY} (in pages{size}, not in bytes)",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "do TCPRcvQDrop and PruneCalled rise (nstat) while sockstat's mem is above tcp_mem's second number?",
        strength=72,
    )


def _queues(clues: Clues) -> tuple[Evidence, ...]:
    """Return which part of the sockets has data that nobody has read, or taken."""
    if not isinstance(clues.traffic, Traffic):
        return ()
    rows = ((clues.traffic.unread, "data that their program has not read"),
            (clues.traffic.unsent, "data that the peer has not taken"))  # fmt: skip
    return tuple(
        Evidence(f"{saying.percent(share)} of the established sockets have {what}", "sock_diag")
        for share, what in rows
        if share
    )
