"""TCP has all the memory that tcp_mem allows: what is sent is dropped, though connections are still made.

net/core/sock.c, __sk_mem_raise_allocated(); net/ipv4/tcp_input.c, tcp_prune_queue(), tcp_data_queue(); tcp(7). It is of
the whole host, in pages; each socket with unread data takes one at least.
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, Traffic

RULE = Rule(
    __name__,
    "the memory for data in TCP sockets runs out",
    failure="no errno, or ENOBUFS",
    errnos=("ENOBUFS", "ENOMEM", "ETIMEDOUT", "ECONNRESET", "EAGAIN", "none"),
    unit="pages",
    log="no error, as a rule: transfers slow down and stop, retransmissions rise; the kernel may reset orphans",
    confirm="do TCPRcvQDrop and PruneCalled rise (nstat) while sockstat's mem is above tcp_mem's second number?",
    strength=72,
    rivals=("orphans", "memory", "accept-queue", "path"),
)
_KEY = "net.ipv4.tcp_mem"
_WHERE = "/proc/net/sockstat mem, net.ipv4.tcp_mem"
_NETSTAT = "/proc/net/netstat"
_PRESSURE = "TcpExt.TCPMemoryPressures"
_DROPS = ("TcpExt.PruneCalled", "TcpExt.TCPRcvQDrop", "TcpExt.RcvPruned")
_WORDS = ("consider tuning tcp_mem",)
_FULL = 0.98  # each CPU keeps up to 1 MiB that does not show (net/core/sock.c, SK_MEMORY_PCPU_RESERVE, Linux 6.0)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether the pages are at the limit, or at the pressure mark; else what the kernel said, or why not."""
    pages, marks = clues.most("sockstat.TCP.mem"), clues.numbers(_KEY)
    if pages is None or not marks or len(marks) != 3:
        return (_not_seen(clues, pages),)
    spoken, pressed = bool(kernel_lines.fresh(clues, *_WORDS)), bool(clues.rates.rose(_PRESSURE))
    signs = spoken or pressed or any(clues.rates.rose(name) for name in _DROPS)
    if pages >= marks[2] * _FULL or (pages >= marks[1] and signs):
        return (_cause(clues, Certainty.CERTAIN, pages, marks),)
    if pages >= marks[1] or spoken or pressed:
        return (_cause(clues, Certainty.LIKELY, pages, marks),)
    if _named(clues):
        return (_cause(clues, Certainty.POSSIBLE, pages, marks),)
    once = saying.once(clues, _PRESSURE, _NETSTAT)
    return (RULE.excluded(_count(clues, pages, marks), "", once, kernel_lines.old(clues, *_WORDS)),)


def _not_seen(clues: Clues, pages: int | None) -> Cause:
    """Return what the kernel and a log say where the pages, or their limit, were not observed."""
    if kernel_lines.fresh(clues, *_WORDS) or clues.hits(RULE.kind):
        sure = kernel_lines.fresh(clues, *_WORDS) or _named(clues)
        return _cause(clues, Certainty.LIKELY if sure else Certainty.POSSIBLE, pages, None)
    why = clues.limits.get(_KEY) if pages is not None else None
    return RULE.unknown(f"{_KEY} could not be read: {why}" if why else "sockstat was not seen")


def _named(clues: Clues) -> bool:
    """Say whether a line of a log names this cause before any other."""
    return any(hit.causes[:1] == (RULE.kind,) for hit in clues.hits(RULE.kind))


def _count(clues: Clues, pages: int, marks: tuple[int, ...] | None) -> Evidence:
    page = clues.machine.page_size
    size = f" ({pages * page / 2**20:,.0f} MiB)" if page else ""
    limits = f"; pressure from {marks[1]:,}, the limit is {marks[2]:,}" if marks else ""
    return Evidence(f"TCP has {pages:,} pages{size}{limits}", _WHERE)


def _cause(clues: Clues, certainty: Certainty, pages: int | None, marks: tuple[int, ...] | None) -> Cause:
    return RULE.cause(
        clues,
        RULE.doubted(clues, certainty),
        _count(clues, pages, marks) if pages is not None else None,
        *(saying.moved(clues, name, _NETSTAT) for name in (_PRESSURE, *_DROPS)),
        _queues(clues),
        kernel_lines.fresh(clues, *_WORDS),
        at=marks[2] if marks else None,
        against=RULE.other(clues),
        fixes=(
            Fix("find the programs that do not read, or the peers that do not take what is sent: ss -tm shows whose"),
            *_restored(clues, marks),
        ),
    )


def _queues(clues: Clues) -> tuple[Evidence, ...]:
    """Return which part of the sockets has data that nobody has read, or taken."""
    if not isinstance(clues.traffic, Traffic):
        return ()
    rows = (
        (clues.traffic.unread, "data that their program has not read"),
        (clues.traffic.unsent, "data that the peer has not taken"),
    )
    return tuple(
        Evidence(f"{saying.percent(share)} of the established sockets have {what}", "sock_diag")
        for share, what in rows
        if share
    )


def _restored(clues: Clues, marks: tuple[int, ...] | None) -> tuple[Fix, ...]:
    """Return what gives TCP the kernel's own share of the memory, where it has less; more is no fix of its own.

    net/ipv4/tcp.c, tcp_init_mem(): the second number is a sixteenth of the free pages at boot, here of all that are
    available, the others three quarters and one and a half of it.
    """
    free, page = clues.rates.value("memory.MemAvailable"), clues.machine.page_size
    if not (marks and free and page):
        return ()
    pages = (free // page + marks[2]) >> 4
    wanted = (pages // 4 * 3, pages, pages // 4 * 6)
    if wanted[2] <= marks[2]:
        return ()
    why = f"the kernel's own share of the memory: {wanted[2] * page >> 20:,} MiB at most, in pages of {page >> 10} KiB"
    return fixing.sysctl(clues, why, (_KEY, " ".join(map(str, wanted))))
