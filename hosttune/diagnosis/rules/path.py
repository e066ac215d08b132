"""Segments of open connections are lost on the way: they are sent again and again, and everything slows.

net/ipv4/tcp_output.c, __tcp_retransmit_skb(): RetransSegs counts SYNs too, TCPSynRetrans those alone; OutSegs counts
none that is sent again (RFC 4022).
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, Flow

RULE = Rule(
    __name__,
    "segments are lost on the path",
    log="no error at first; ETIMEDOUT from send() or recv() after about 15 minutes (tcp_retries2)",
    fixes=(
        Fix(
            "find the hop that loses: `mtr -T -P PORT ADDRESS`, `ethtool -S` of the interfaces on the way (drops, "
            "errors), a policer or a shaper, a cloud's bandwidth allowance"
        ),
        Fix("it is no limit of this host: no setting here fixes it"),
    ),
    confirm="`hosttune diagnose --for 30s`; `ss -ti` towards the destination: retrans, lost, rto",
    strength=40,
    errnos=("ETIMEDOUT", "ECONNRESET", "none"),
    rivals=("softnet", "tcp-mem", "conntrack"),
)
_SHARE, _HIGH = 0.01, 0.05
"""Losses at which about 12 segments, and 5, are on their way in a round trip: 1.22 divided by the root of the loss
(Mathis, Semke, Mahdavi and Ott, 1997)."""

_FEW = 20
"""Segments sent again: of fewer no share can be judged."""

_COUNTERS = "/proc/net/snmp, /proc/net/netstat"
_OWN_DROPS = {
    "TcpExt.ListenOverflows": "a listener of this host, whose queue is full, drops what its clients send",
    "TcpExt.TCPRcvQDrop": "sockets of this host drop what they receive, for want of memory",
    "TcpExt.TCPBacklogDrop": "sockets of this host drop what they receive, their backlog being full",
    "conntrack.drop": "conntrack of this host drops packets",
}


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what share of the segments is sent again now, SYNs apart; else what errno says, or why not."""
    again = _again(clues)
    if again is None:
        return (_by_word(clues) or RULE.unknown("retransmissions show only between two gatherings"),)
    sent = clues.rates.rose("Tcp.OutSegs") + again
    share = again / sent if sent else 0.0
    if again < _FEW or share < _SHARE:
        return (_by_word(clues) or RULE.excluded(_little(clues, again, sent), _COUNTERS),)
    return (_lossy(clues, again, sent, share),)


def _again(clues: Clues) -> int | None:
    """Return the segments of open connections that were retransmitted between the two gatherings."""
    every = clues.rates.moved("Tcp.RetransSegs")
    return None if every is None else max(every - clues.rates.rose("TcpExt.TCPSynRetrans"), 0)


def _little(clues: Clues, again: int, sent: int) -> str:
    text = f"{again:,} of {sent:,} segments were retransmitted in {clues.rates.seconds:,.1f} s"
    before, out = clues.rates.value("Tcp.RetransSegs") or 0, clues.rates.value("Tcp.OutSegs") or 0
    return f"{text}, SYNs apart; in all {before:,} of {before + out:,}, with SYNs" if before else text


def _lossy(clues: Clues, again: int, sent: int, share: float) -> Cause:
    """Return the cause; only possible where this host loses them itself, or where they arrived all the same."""
    part = f"{again:,} of {sent:,} segments ({saying.percent(share)})"
    text = f"{part} were retransmitted in {clues.rates.seconds:,.1f} s, SYNs apart"
    doubt = (*_own(clues, again), *_spurious(clues, again))
    # of all namespaces together (net/core/dev.c): they may be packets of this one, or of none of its connections
    queue = saying.moved(clues, "softnet.dropped", "/proc/net/softnet_stat")
    sure = Certainty.CERTAIN if share >= _HIGH and _timed_out(clues) and not queue else Certainty.LIKELY
    certainty = Certainty.POSSIBLE if doubt else sure
    return RULE.cause(clues, certainty, Evidence(text, _COUNTERS), _signs(clues), _where(clues), queue, doubt)


def _timed_out(clues: Clues) -> bool:
    """Say whether connections fell silent, or what was sent again was lost once more: no mere reordering."""
    timeouts = clues.rates.rose("TcpExt.TCPTimeouts") - clues.rates.rose("TcpExt.TCPSynRetrans")
    return timeouts > 0 or clues.rates.rose("TcpExt.TCPLostRetransmit") > 0


def _signs(clues: Clues) -> tuple[Evidence, ...]:
    names = ("TcpExt.TCPLostRetransmit", "TcpExt.TCPTimeouts", "TcpExt.TCPAbortOnTimeout")
    return some(*(saying.moved(clues, name, "/proc/net/netstat") for name in names))


def _own(clues: Clues, again: int) -> tuple[Evidence, ...]:
    """Return what of this host loses packets, where that can explain half of what is sent again."""
    if sum(clues.rates.rose(name) for name in _OWN_DROPS) * 2 < again:
        return ()
    return tuple(
        Evidence(f"{name} rose by {clues.rates.rose(name):,}: {text}", _COUNTERS)
        for name, text in _OWN_DROPS.items()
        if clues.rates.rose(name)
    )


def _spurious(clues: Clues, again: int) -> tuple[Evidence, ...]:
    """Return that the far end had most of them already (RFC 2883): delay or reordering, not loss."""
    had = clues.rates.rose("TcpExt.TCPDSACKRecv")
    if had * 2 < again:
        return ()
    return (Evidence(f"TCPDSACKRecv rose by {had:,}: they had arrived, late or out of order", "/proc/net/netstat"),)


def _where(clues: Clues) -> tuple[Evidence, ...]:
    """Return which destinations are concerned most."""
    worst = sorted((flow for flow in clues.flows if flow.resending), key=lambda flow: -flow.resending)[:2]
    return tuple(Evidence(_flow(flow), "sock_diag") for flow in worst)


def _flow(flow: Flow) -> str:
    where = Backend(flow.address, flow.port)
    return f"{flow.resending:,} of {flow.established:,} connections to {where} wait for an answer to retransmissions"


def _by_word(clues: Clues) -> Cause | None:
    """Return it as possible where an open connection is said to have timed out."""
    if not clues.met("ETIMEDOUT", calls=("send", "recv")) and not clues.hits(RULE.kind):
        return None
    return RULE.cause(clues, Certainty.POSSIBLE)
