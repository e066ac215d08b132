"""Clients are connected that the server never had: a cookie's last ACK met a full accept queue, and was dropped.

net/ipv4/syncookies.c, tcp_get_cookie_sock(); net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock(): a cookie keeps no state, so
nothing is sent again. Each ACK with a valid cookie counts in SyncookiesRecv, each that became a socket in PassiveOpens.
"""

from __future__ import annotations

from hosttune.diagnosis import accept, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Listener, Traffic

RIVALS = ("accept-queue", "backlog", "softnet", "outside")
_ID = "ghosts"
_WHAT = "clients that are connected to a server which never had them"
_RECEIVED = "TcpExt.SyncookiesRecv"
_SNMP = "/proc/net/snmp"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where cookies come back and the queue overflows, in this look; else whether it may have happened."""
    rates = clues.rates
    received, ever = rates.rose(_RECEIVED), rates.value(_RECEIVED)
    if received and rates.rose(accept.OVERFLOWS):
        return (_now(clues, received),)
    if ever is None or rates.value(accept.OVERFLOWS) is None:
        return (saying.unknown(_ID, _WHAT, f"{_RECEIVED} or {accept.OVERFLOWS} could not be read"),)
    if ever and rates.value(accept.OVERFLOWS) and clues.heard("none"):
        return (_once(clues, ever),)
    once = saying.once(clues, _RECEIVED, accept.NETSTAT)
    text = "no client has come in by a SYN cookie" if not ever else "those who came by a SYN cookie found room"
    return (Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=(once or Evidence(text, accept.NETSTAT),)),)


def _now(clues: Clues, received: int) -> Cause:
    """Certain where more cookies came back than sockets were made: then ACKs were dropped, whatever else was."""
    made, lost = clues.rates.moved("Tcp.PassiveOpens"), 0
    evidence = [
        saying.moved(clues, _RECEIVED, accept.NETSTAT),
        saying.moved(clues, accept.OVERFLOWS, accept.NETSTAT),
    ]
    if made is not None:
        lost = max(received - made, 0)
        text = f"{received:,} came back with a cookie, and {made:,} connections were made: {lost:,} ACKs were dropped"
        evidence.append(Evidence(text, f"{accept.NETSTAT}, {_SNMP} PassiveOpens") if lost else None)
    listener = _shortest(clues)
    if listener is not None:
        text = f"{listener} has a backlog of {listener.backlog:,}; {listener.queue:,} wait at this moment"
        evidence.append(Evidence(text, accept.SOCKETS))
    whose = f"the accept queue of {listener}" if listener else "an accept queue"
    return Cause(
        _ID,
        f"clients are connected that the server never had (SYN cookies): bursts overflow {whose}",
        Certainty.CERTAIN if lost else Certainty.LIKELY,
        listener.backlog + 1 if listener else None,
        "waiting connections",
        evidence=tuple(one for one in evidence if one),
        log="nothing at all: the client is ESTABLISHED, the server has no such connection; later data gets a reset",
        fixes=_fixes(clues, listener),
        confirm=""
        if lost
        else "compare the clients' count of ESTABLISHED with the server's: `ss -tn state established`",
        strength=97,
    )


def _once(clues: Clues, ever: int) -> Cause:
    """Return that it may have happened before: such a client stays connected for as long as it is silent."""
    text = f"SyncookiesRecv stands at {ever:,} and ListenOverflows at {clues.rates.value(accept.OVERFLOWS):,}"
    return Cause(
        _ID,
        _WHAT,
        Certainty.POSSIBLE,
        evidence=(Evidence(f"{text}, from an earlier burst", accept.NETSTAT),),
        fixes=_fixes(clues, None),
        confirm="compare the clients' count of ESTABLISHED with the server's: `ss -tn state established`",
        strength=5,
    )


def _shortest(clues: Clues) -> Listener | None:
    """Return the listener that it is: the one with the most in its queue, else the one with the shortest."""
    every = clues.traffic.listeners if isinstance(clues.traffic, Traffic) else ()
    return min(every, key=lambda one: (-one.queue / (one.backlog + 1), one.backlog), default=None)


def _fixes(clues: Clues, listener: Listener | None) -> tuple[str, ...]:
    longest = clues.integer(accept.SOMAXCONN)
    own = listener is not None and longest is not None and listener.backlog < longest
    longer = (
        "a backlog as long as the largest burst, in the program's own configuration; somaxconn is long enough"
        if own
        else "sudo hosttune apply --role ROLE, for net.core.somaxconn; then restart the program, with a backlog as long"
    )
    return (
        longer,
        "let clients come more slowly, or spread over a few seconds when all of them return",
        "a keep-alive of the application (MQTT keep-alive, a websocket ping) finds those that are there already",
    )
