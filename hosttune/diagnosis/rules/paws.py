"""SYNs of clients behind one NAT vanish, for their timestamps seem to go back (RFC 7323, PAWS).

With tcp_tw_recycle the kernel kept one timestamp for each address and dropped the SYN of whoever was behind it
(net/ipv4/tcp_ipv4.c, tcp_v4_conn_request(); gone since Linux 4.12). Since then only a connection's own timestamps are
compared: net/ipv4/tcp_minisocks.c, tcp_timewait_state_process() and tcp_check_req().
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.diagnosis import fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen, some
from hosttune.model import Cause, Certainty, Evidence, Fix, Reason, Unknown

RULE = Rule(
    __name__,
    "the kernel drops SYNs of clients behind one NAT, whose timestamps differ",
    log="nothing here; some clients behind a NAT see ETIMEDOUT from connect(), others are fine",
    fixes=(Fix("a NAT or proxy between should keep timestamps in order for each of its ports, or take them out"),),
    confirm="tcpdump -n 'tcp[tcpflags] & tcp-syn != 0' shows SYNs of one address without an answer",
    strength=75,
    errnos=("ETIMEDOUT", "none"),
    rivals=("accept-queue", "syn-queue", "conntrack", "outside"),
)
_KEY = "net.ipv4.tcp_tw_recycle"
_NETSTAT = "/proc/net/netstat"
_PASSIVE = "TcpExt.PAWSPassive"
_REFUSED = ("TcpExt.PAWSTimewait", "TcpExt.PAWSActive")
_SEGMENTS = 1000
"""Of so many segments that came in one old one is nothing: a duplicate that the network had kept (RFC 7323, 5.2)."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what tcp_tw_recycle does where it is on; where it is not, whether old timestamps are dropped now."""
    if clues.integer(_KEY):
        return (_recycled(clues),)
    moved = some(*(saying.moved(clues, name, _NETSTAT) for name in _REFUSED), _old(clues))
    if moved:
        return (_cause(clues, Certainty.POSSIBLE, moved),)
    if clues.rates.value("TcpExt.PAWSEstab") is None and not _gone(clues):
        return (RULE.unknown(f"neither {_KEY} nor the counters of PAWS could be read", f"sysctl {_KEY}"),)
    return (RULE.excluded("; ".join(_why_not(clues)), _NETSTAT),)


def _recycled(clues: Clues) -> Cause:
    on = Evidence(f"{_KEY} is {clues.integer(_KEY)}", "/proc/sys/net/ipv4/tcp_tw_recycle")
    now, once = saying.moved(clues, _PASSIVE, _NETSTAT), saying.once(clues, _PASSIVE, _NETSTAT)
    if now:
        return _cause(clues, Certainty.CERTAIN, on, now)
    certainty = Certainty.LIKELY if clues.met("ETIMEDOUT") and not once else Certainty.POSSIBLE
    return _cause(clues, certainty, on, once)


def _old(clues: Clues) -> Evidence | None:
    """Return that established connections drop more old segments than a network makes by itself."""
    old, seen = clues.rates.rose("TcpExt.PAWSEstab"), clues.rates.rose("Tcp.InSegs")
    return saying.moved(clues, "TcpExt.PAWSEstab", _NETSTAT) if old * _SEGMENTS > seen else None


def _gone(clues: Clues) -> bool:
    held = clues.limits.get(_KEY)
    return isinstance(held, Unknown) and held.reason is Reason.GONE


def _why_not(clues: Clues) -> Iterator[str]:
    if _gone(clues):
        yield f"this kernel has no {_KEY.rpartition('.')[2]}, gone since Linux 4.12"
    elif clues.integer(_KEY) == 0:
        yield f"{_KEY} is 0"
    old = clues.rates.moved("TcpExt.PAWSEstab")
    if old is not None:
        yield f"{old:,} segments were dropped for an old timestamp in {clues.rates.seconds:,.1f} s"


def _cause(clues: Clues, certainty: Certainty, *evidence: Seen) -> Cause:
    words = saying.named(clues)
    if not clues.integer(_KEY):
        return RULE.cause(clues, certainty, *evidence, words=words)
    fixes = (
        *fixing.sysctl(clues, "switch it off: it breaks every client behind a NAT", (_KEY, "0")),
        *fixing.sysctl(clues, "what it was meant to be, for connections that go out", ("net.ipv4.tcp_tw_reuse", "1")),
    )
    confirm = "" if certainty is Certainty.CERTAIN else f"{_PASSIVE} while clients fail: nstat -az; {RULE.confirm}"
    return RULE.cause(clues, certainty, *evidence, words=words, fixes=fixes, confirm=confirm)
