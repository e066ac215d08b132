"""The SYN queue of a listener is full: half-open connections, of a burst or of a flood.

net/ipv4/tcp_input.c, tcp_conn_request() and tcp_syn_flood_action(): with cookies it is as long as the backlog, without
them also no longer than three quarters of tcp_max_syn_backlog.
"""

from __future__ import annotations

import re

from hosttune.diagnosis import accept, fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Cause, Certainty, Evidence, Fix, Listener

RULE = Rule(
    __name__,
    "a full SYN queue",
    unit="half-open connections",
    log="nothing at the program; the kernel's log: Possible SYN flooding on port, once for each listener",
    confirm="`ss -tn state syn-recv` and `nstat TcpExtTCPReqQFull*`",
    errnos=("ETIMEDOUT", "none"),
    rivals=("accept-queue", "backlog", "softnet", "conntrack"),
)
_DROPPED, _SENT = "TcpExt.TCPReqQFullDrop", "TcpExt.TCPReqQFullDoCookies"
_RECEIVED, _DROPS = "TcpExt.SyncookiesRecv", "TcpExt.ListenDrops"
_COOKIES, _LONGEST = "net.ipv4.tcp_syncookies", "net.ipv4.tcp_max_syn_backlog"
_ALWAYS = 2  # tcp_syncookies: to everybody, whether or not the queue is full
_LINE = re.compile(r"SYN flooding on port (?:\S*:)?(\d{1,5})\.")


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where SYNs are dropped or answered by cookies now; else what log, queue and counters say."""
    cookies = clues.integer(_COOKIES)
    sent = clues.rates.rose(_SENT) if cookies != _ALWAYS else 0
    if clues.rates.rose(_DROPPED) or (cookies == 0 and _dropped_before(clues)):
        text = "SYN cookies are off: while it is full each further SYN is dropped"
        return (_cause(clues, Certainty.CERTAIN, text, 80),)
    if sent:
        return (_cookies(clues, sent),)
    if clues.rates.moved(_SENT) is None and (clues.hits(RULE.kind) or _lines(clues)):
        return (_cause(clues, Certainty.LIKELY, "it was full when the log was written", 60),)
    if _full(clues):
        return (_cause(clues, Certainty.POSSIBLE, "it is full at this moment, and no SYN has come since", 20),)
    if clues.hits(RULE.kind) or (_ever(clues) and accept.silent(clues) and accept.too_short(clues, _SENT)):
        return (_cause(clues, Certainty.POSSIBLE, "it was full before, and it takes a longer look", 10),)
    return (_excluded(clues, cookies),)


def _ever(clues: Clues) -> bool | None:
    """Say whether a SYN queue of this namespace has ever been full; None where that cannot be observed."""
    seen = [value for name in (_DROPPED, _SENT) if (value := clues.rates.value(name)) is not None]
    return any(seen) if seen else None


def _dropped_before(clues: Clues) -> bool:
    """Say whether SYNs are dropped below the backlog: only ListenDrops counts those beyond tcp_max_syn_backlog."""
    others = clues.rates.rose(_DROPS) - clues.rates.rose(accept.OVERFLOWS)
    return others > 0 and _full(clues)


def _cookies(clues: Clues, sent: int) -> Cause:
    """Return it with cookies on: those who answer get in all the same, so it is weaker where most of them do."""
    received = clues.rates.rose(_RECEIVED)
    if 2 * received >= sent:
        text = "bursts are longer than it, and clients come in by SYN cookies"
        return _cause(clues, Certainty.LIKELY, text, 45)
    text = f"{sent:,} SYNs were answered by a cookie, and {received:,} came back: a flood, or answers that are lost"
    return _cause(clues, Certainty.CERTAIN, text, 70)


def _cause(clues: Clues, certainty: Certainty, text: str, strength: int) -> Cause:
    fullest = next(iter(_half_open(clues)), None)
    room = _room(clues, fullest) if fullest else None
    whose, count = "a SYN queue", None
    if fullest is not None:
        owner = accept.owner_of(clues, fullest)
        whose = f"the SYN queue of {fullest}{f' ({owner})' if owner else ''}"
        half = f"{fullest}: {fullest.half_open:,} half-open connections, of {room:,}"
        count = Evidence(half, accept.SOCKETS)
    names = (_DROPPED, _SENT, "TcpExt.SyncookiesSent", _RECEIVED, _DROPS)
    return RULE.cause(
        clues,
        certainty,
        count,
        Evidence(text, accept.NETSTAT),
        *(saying.moved(clues, name, accept.NETSTAT) for name in names),
        (Evidence(line, f"kernel log, {age:,.0f} s ago") for age, line in _lines(clues)),
        at=room,
        what=f"{whose}{', which was full' if certainty is Certainty.POSSIBLE else ' is full'}",
        fixes=_fixes(clues, fullest),
        strength=strength,
    )


def _fixes(clues: Clues, listener: Listener | None) -> tuple[Fix, ...]:
    longest, fixes = clues.integer(_LONGEST), list[Fix]()
    if clues.integer(_COOKIES) == 0:
        why = "answer with cookies where the queue is full: then it turns nobody away"
        fixes += fixing.sysctl(clues, why, (_COOKIES, "1"))
        if listener is not None and longest is not None and _room(clues, listener) <= listener.backlog:
            fixes += fixing.twice(clues, _LONGEST, longest, "; without cookies three quarters of it count")
    return (
        *fixes,
        *accept.longer(clues, listener),
        *_own(clues, listener),
        Fix(
            "if the sources are strangers who never answer it is a flood: `ss -tn state syn-recv` names them; filter "
            "them before they come here"
        ),
    )


def _own(clues: Clues, listener: Listener | None) -> tuple[Fix, ...]:
    """Return that the backlog is the program's own, where it is shorter than the key allows: that does not bind."""
    longest = clues.integer(accept.SOMAXCONN)
    if listener is None or longest is None or listener.backlog >= longest:
        return ()
    owner = accept.owner_of(clues, listener)
    text = f"a longer backlog of {owner or 'the program'}, in its listen(): {listener.backlog:,} is its own"
    return (Fix(f"{text}, net.core.somaxconn is {longest:,} and does not bind"),)


def _full(clues: Clues) -> bool:
    """Say whether a SYN queue is full at this moment."""
    return any(listener.half_open >= _room(clues, listener) for listener in _half_open(clues))


def _half_open(clues: Clues) -> tuple[Listener, ...]:
    """Return the listeners with half-open connections, the fullest first."""
    return tuple(sorted((o for o in clues.listeners if o.half_open), key=lambda o: -o.half_open / (o.backlog + 1)))


def _room(clues: Clues, listener: Listener) -> int:
    """Return how many half-open connections a listener can have."""
    longest = clues.integer(_LONGEST)
    if clues.integer(_COOKIES) == 0 and longest is not None:
        return min(listener.backlog, longest - (longest >> 2)) + 1
    return listener.backlog + 1


def _lines(clues: Clues) -> tuple[tuple[float, str], ...]:
    """Return the kernel's lines of the last minute that can be of this namespace: its log is of all of them."""
    if _ever(clues) is False:
        return ()
    ports = {listener.port for listener in clues.listeners}
    matches = ((age, line, _LINE.search(line)) for age, line in clues.lines("SYN flooding"))
    return tuple((age, line) for age, line, match in matches if match and int(match[1]) in ports)


def _excluded(clues: Clues, cookies: int | None) -> Cause:
    if _ever(clues) is None:
        return RULE.unknown(f"{_DROPPED} and {_SENT} could not be read", "nstat -az 'TcpExtTCPReqQFull*'")
    if cookies == _ALWAYS and clues.rates.rose(_SENT):
        text = "net.ipv4.tcp_syncookies is 2: everybody gets a cookie, whether or not the queue is full"
        return RULE.excluded(text, f"/proc/sys/{_COOKIES.replace('.', '/')}")
    once = some(*(saying.once(clues, name, accept.NETSTAT) for name in (_DROPPED, _SENT)))
    half = clues.states.get("SYN_RECV", 0)
    seen = f"{half:,} half-open connections, and no SYN was refused or answered by a cookie"
    return RULE.excluded(once or Evidence(seen, accept.NETSTAT))
