"""Receive queues overflow: what has arrived is squeezed together, or thrown away, and the far end sends it again.

net/ipv4/tcp_input.c: tcp_prune_queue() is called where a socket's buffer is full, it collapses small segments into
large ones (TCPRcvCollapsed), and where that makes no room the segment is dropped (RcvPruned, TCPRcvQDrop, OfoPruned).
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, Traffic

RULE = Rule(
    __name__,
    "receive buffers overflow: they are too small, or the program reads too slowly",
    failure="no error, or ETIMEDOUT from send() at the far end",
    errnos=("none", "ETIMEDOUT"),
    calls=("send", "recv"),
    gives={"send": ("ETIMEDOUT",), "recv": ("ETIMEDOUT",), "": ("none",)},
    log="no error: transfers are slow, or stop for seconds; retransmits at the far end",
    confirm="`nstat TcpExtRcvPruned TcpExtPruneCalled TcpExtTCPRcvCollapsed` twice, and `ss -tm`: rb is the buffer, r "
    "what lies in it, Recv-Q what the program has not read",
    strength=45,
    rivals=("tcp-mem", "path", "softnet"),
)
_NETSTAT, _RMEM, _MEM = "/proc/net/netstat", "net.ipv4.tcp_rmem", "net.ipv4.tcp_mem"
_CALLED = "TcpExt.PruneCalled"
_LOST = ("TcpExt.RcvPruned", "TcpExt.TCPRcvQDrop", "TcpExt.OfoPruned", "TcpExt.TCPOFODrop")
_SQUEEZED = (_CALLED, "TcpExt.TCPRcvCollapsed")
_DISORDER = "TcpExt.TCPOFOQueue"
_FEW = 20
"""Segments, or calls: of fewer nothing can be told."""

_SMALL = 1_000_000
"""Bytes: what the roles require of tcp_rmem's last number, by 100 Mbit/s and 80 ms of round trip."""

_START = 65_535
"""Bytes: the greatest window without scaling (RFC 9293), with which a connection starts."""

_SLOW = 0.2
"""Of the sockets: with data that nobody has read, beyond what is on its way at any moment."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what was thrown away or squeezed between the two gatherings; else that it was little."""
    if clues.rates.moved(_CALLED) is None and all(clues.rates.moved(name) is None for name in _LOST):
        return (RULE.unknown(f"it takes two gatherings of {_NETSTAT} to see receive queues overflow", RULE.confirm),)
    lost, called = max(clues.rates.rose(name) for name in _LOST), clues.rates.rose(_CALLED)
    if lost < _FEW and called < _FEW:
        return (RULE.excluded(f"receive queues overflowed {called:,} times in {clues.rates.seconds:,.1f} s", _NETSTAT),)
    if _pressed(clues):
        return (RULE.excluded("all of TCP is short of memory (tcp-mem), not single sockets", _MEM),)
    return (_overflowing(clues, Certainty.LIKELY if lost >= _FEW else Certainty.POSSIBLE),)


def _pressed(clues: Clues) -> bool:
    """Say whether the pages of all sockets are beyond the mark of pressure: then buffers are pruned because of that."""
    pages, marks = clues.most("sockstat.TCP.mem"), clues.numbers(_MEM)
    return pages is not None and marks is not None and len(marks) == 3 and pages >= marks[1]


def _overflowing(clues: Clues, certainty: Certainty) -> Cause:
    counted = some(*(saying.moved(clues, name, _NETSTAT) for name in (*_LOST[:3], *_SQUEEZED)))
    disorder = saying.moved(clues, _DISORDER, _NETSTAT)
    return RULE.cause(
        clues,
        RULE.doubted(clues, certainty),
        counted[:3],
        _buffer(clues),
        _unread(clues),
        disorder if certainty is Certainty.LIKELY else None,
        against=RULE.other(clues),
        fixes=_fixes(clues),
    )


def _largest(clues: Clues) -> int | None:
    sizes = clues.numbers(_RMEM)
    return sizes[2] if sizes and len(sizes) == 3 else None


def _buffer(clues: Clues) -> Evidence | None:
    most, pages = _largest(clues), clues.rates.value("sockstat.TCP.mem")
    if most is None:
        return None
    marks = clues.numbers(_MEM)
    room = f"; all of TCP has {pages:,} pages, of {marks[1]:,} without pressure" if pages and marks else ""
    return Evidence(f"a receive buffer grows to {most:,} bytes at most{room}", f"{_RMEM}, its last number")


def _unread(clues: Clues) -> tuple[Evidence, ...]:
    """Return how many sockets have data that their program has not read (Recv-Q)."""
    if not isinstance(clues.traffic, Traffic):
        return ()
    share = clues.traffic.unread
    worst = max(clues.flows, key=lambda flow: flow.unread, default=None)
    where = f", most of them from {Backend(worst.address, worst.port)}" if worst and worst.unread else ""
    text = f"{saying.percent(share)} of the established sockets have data that the program has not read{where}"
    return (Evidence(text, "sock_diag, Recv-Q of ss -tn"),)


def _fixes(clues: Clues) -> tuple[Fix, ...]:
    """Return first what the readings speak for: larger buffers, or a program that reads."""
    sizes = clues.numbers(_RMEM) or ()
    slow = Fix(
        "let the program read faster: more threads, less work before each read; `ss -tnmp` names it by its Recv-Q"
    )
    own = Fix("if the program sets SO_RCVBUF: not to, for that ends the kernel's own sizing of the buffer (tcp(7))")
    most = _largest(clues)
    if most is None or most >= _SMALL:
        return (slow, own)
    why = f"let a receive buffer grow to {_SMALL:,} bytes, not to {most:,}: new connections have it at once"
    larger = fixing.sysctl(clues, why, (_RMEM, f"{sizes[0]} {max(sizes[1], _START)} {_SMALL}"))
    reads = not isinstance(clues.traffic, Traffic) or clues.traffic.unread < _SLOW
    return (*larger, slow, own) if reads else (slow, *larger, own)
