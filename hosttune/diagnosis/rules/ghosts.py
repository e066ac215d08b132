"""Clients are connected that the server never had: a cookie's last ACK met a full accept queue, and was dropped.

net/ipv4/syncookies.c, tcp_get_cookie_sock(); net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock(): a cookie keeps no state, so
nothing is sent again. Each ACK with a valid cookie counts in SyncookiesRecv, each that became a socket in PassiveOpens.
"""

from __future__ import annotations

from hosttune.diagnosis import accept, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, Listener

RULE = Rule(
    __name__,
    "clients that are connected to a server which never had them",
    confirm="compare the clients' count of ESTABLISHED with the server's: `ss -tn state established`",
    errnos=("ETIMEDOUT", "ECONNRESET", "none"),
    rivals=("accept-queue", "backlog", "softnet", "outside"),
)
_RECEIVED = "TcpExt.SyncookiesRecv"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where cookies come back and the queue overflows, in this look; else whether it may have happened."""
    rates = clues.rates
    received, ever, overflows = rates.rose(_RECEIVED), rates.value(_RECEIVED), rates.value(accept.OVERFLOWS)
    if received and rates.rose(accept.OVERFLOWS):
        return (_now(clues, received),)
    if ever is None or overflows is None:
        return (RULE.unknown(f"{_RECEIVED} or {accept.OVERFLOWS} could not be read"),)
    if ever and overflows and clues.met("none"):
        # such a client stays connected for as long as it is silent
        text = f"SyncookiesRecv stands at {ever:,} and ListenOverflows at {overflows:,}, from an earlier burst"
        seen, fixes = Evidence(text, accept.NETSTAT), _fixes(clues, None)
        return (RULE.cause(clues, Certainty.POSSIBLE, seen, words=(), fixes=fixes, strength=5),)
    once = saying.once(clues, _RECEIVED, accept.NETSTAT)
    text = "no client has come in by a SYN cookie" if not ever else "those who came by a SYN cookie found room"
    return (RULE.excluded(once or Evidence(text, accept.NETSTAT)),)


def _now(clues: Clues, received: int) -> Cause:
    """Certain where more cookies came back than sockets were made: then ACKs were dropped, whatever else was."""
    made = clues.rates.moved("Tcp.PassiveOpens")
    lost = max(received - made, 0) if made is not None else 0
    text = f"{received:,} came back with a cookie, and {made or 0:,} connections were made: {lost:,} ACKs were dropped"
    listener = _shortest(clues)
    whose, waiting = "an accept queue", None
    if listener:
        whose = f"the accept queue of {listener}"
        now = f"{listener} has a backlog of {listener.backlog:,}; {listener.queue:,} wait at this moment"
        waiting = Evidence(now, accept.SOCKETS)
    return RULE.cause(
        clues,
        Certainty.CERTAIN if lost else Certainty.LIKELY,
        saying.moved(clues, _RECEIVED, accept.NETSTAT),
        saying.moved(clues, accept.OVERFLOWS, accept.NETSTAT),
        Evidence(text, f"{accept.NETSTAT}, /proc/net/snmp PassiveOpens") if lost else None,
        waiting,
        at=listener.backlog + 1 if listener else None,
        what=f"clients are connected that the server never had (SYN cookies): bursts overflow {whose}",
        unit="waiting connections",
        words=(),
        log="nothing at all: the client is ESTABLISHED, the server has no such connection; later data gets a reset",
        fixes=_fixes(clues, listener),
        strength=97,
    )


def _shortest(clues: Clues) -> Listener | None:
    """Return the listener that it is: the one with the most in its queue, else the one with the shortest."""
    return min(
        clues.listeners, key=lambda listener: (-listener.queue / (listener.backlog + 1), listener.backlog), default=None
    )


def _fixes(clues: Clues, listener: Listener | None) -> tuple[Fix, ...]:
    longest = clues.integer(accept.SOMAXCONN)
    own = Fix("a backlog as long as the largest burst, in the program's own configuration; somaxconn is long enough")
    return (
        *(accept.longer(clues, listener) if listener is None or listener.backlog == longest else (own,)),
        Fix("let clients come more slowly, or spread over a few seconds when all of them return"),
        Fix("a keep-alive of the application (MQTT keep-alive, a websocket ping) finds those that are there already"),
    )
