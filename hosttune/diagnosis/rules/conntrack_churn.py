"""The conntrack table is full of closed connections: their entries stay for 120 s after the end.

net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts: the table has a TIME_WAIT of its own, twice that of the sockets.
"""

from __future__ import annotations

import math

from hosttune import kernel
from hosttune.diagnosis import fixing, saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.diagnosis.table import State
from hosttune.model import Cause, Certainty, Evidence, Fix, Tracked

RULE = Rule(
    __name__,
    "closed connections fill the conntrack table",
    errnos=table.ERRNOS,
    unit="new connections/s",
    log=table.LOG,
    fixes=(
        Fix(table.NO_TRACKING),
        Fix("keep connections open and use them again"),
    ),
    confirm="`sudo hosttune diagnose` sees the states of the entries; so does `conntrack -L -p tcp`, column 4",
    strength=86,
    gives=table.GIVES,
    rivals=("conntrack", "nat", "time-wait", "ports"),
)
_SOCKSTAT = "/proc/net/sockstat"
_ENDED = ("TIME_WAIT", "LAST_ACK", "CLOSE")
"""States that last for their own time, whatever the two ends do."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether closed connections fill a table that binds; without a reading, what rate and words say."""
    now = table.state(clues)
    if now is State.BINDS:
        return (_binds(clues),)
    if now is State.UNKNOWN:
        return (_by_word(clues),)
    if now is State.IDLE:
        return (_idle(clues),)
    fast = _too_fast(clues)
    if fast and now is State.ROOM:
        return (_cause(clues, Certainty.POSSIBLE, fast, table.filled(clues)),)
    return (RULE.excluded(table.why_not(clues, now)),)


def _idle(clues: Clues) -> Cause:
    if (table.over(clues) or 0) <= 0.5:
        return RULE.excluded("nothing was dropped in that time", table.STATISTICS)
    full = (table.filled(clues), *table.entries(clues))
    return _cause(clues, Certainty.POSSIBLE, full, confirm="`hosttune diagnose --for 10s` while it stalls")


def _binds(clues: Clues) -> Cause:
    over, full = table.over(clues), (table.filled(clues), *table.dropping(clues))
    if over is None:
        return _by_sockets(clues, full)
    if over <= 0.5:
        return RULE.excluded(f"{saying.percent(over)} of the entries are of closed connections", "ctnetlink")
    return _cause(clues, Certainty.CERTAIN, full, table.entries(clues), _open(clues))


def _by_sockets(clues: Clues, full: tuple[Evidence, ...]) -> Cause:
    """Return what the sockets say of a table into which we may not look: what is closed here stays twice as long there.

    Where packets are forwarded the sockets of this namespace say nothing of the table.
    """
    local, closed = table.sockets(clues), clues.rates.value("sockstat.TCP.tw")
    count = clues.rates.value("conntrack.count") or 0
    if local is None or closed is None:
        return RULE.unknown("neither the entries nor the sockets could be looked at", RULE.confirm)
    if local * 2 > count:
        return RULE.excluded(f"{local:,} sockets are in use, which is most of the {count:,} entries", _SOCKSTAT)
    forwards = clues.integer("net.ipv4.ip_forward") != 0
    kept = closed * table.lifetime(clues) // kernel.TIMEWAIT_LEN
    certainty = Certainty.LIKELY if not forwards and local + kept > count * 0.7 else Certainty.POSSIBLE
    return _cause(clues, certainty, full, _open(clues))


def _open(clues: Clues) -> Evidence | None:
    local, closed = table.sockets(clues), clues.rates.value("sockstat.TCP.tw")
    if local is None:
        return None
    return Evidence(f"{local:,} TCP sockets are in use here, {closed or 0:,} in TIME_WAIT", _SOCKSTAT)


def _too_fast(clues: Clues) -> Evidence | None:
    """Return that the target rate fills the table with closed connections."""
    limit, stays = clues.integer(table.MAX), table.lifetime(clues)
    if not limit or clues.rate * stays <= limit:
        return None
    text = f"{clues.rate:,} new connections/s, each of which stays for {stays} s, need {clues.rate * stays:,} entries"
    return Evidence(text, f"{table.MAX}, nf_conntrack_tcp_timeout_time_wait")


def _by_word(clues: Clues) -> Cause:
    """Return it as possible where the kernel says that the table is full: what fills it was not observed."""
    fast = _too_fast(clues)
    if table.logged_full(clues) or table.spoken(clues) or fast:
        return _cause(clues, Certainty.POSSIBLE, table.dropping(clues), fast)
    if RULE.met(clues) is False:
        return RULE.excluded("it gives no error, or ETIMEDOUT", "--errno")
    return RULE.unknown("the conntrack table was not seen", RULE.confirm)


def _cause(clues: Clues, certainty: Certainty, *evidence: Seen, confirm: str | None = None) -> Cause:
    """Return the cause, by the state that most of the entries are in: each has a lifetime of its own."""
    state = table.foremost(clues)
    named = state or "TIME_WAIT"
    limit, stays = clues.integer(table.MAX), table.lifetime(clues, named)
    # of what one end has not closed, and of several states of which none is foremost, no rate is told
    ended = named in _ENDED and (state or not _mixed(clues))
    rate = limit // stays if limit and ended else None
    text = f"{limit:,} entries that stay for {stays:,} s allow {rate:,} new connections/s" if limit and rate else ""
    text = text or (f"an entry in {state} stays for {stays:,} s without traffic" if state else "")
    source = Evidence(text, table.key_of(named)) if text else None
    sure = certainty is Certainty.CERTAIN
    what = "half-closed connections fill the conntrack table" if named == "CLOSE_WAIT" else RULE.what
    return RULE.cause(
        clues,
        certainty,
        *evidence,
        source,
        _open_ends(clues) if named == "CLOSE_WAIT" else None,
        at=rate,
        what=f"{what}, and new ones are dropped without an error" if sure else what,
        fixes=_fixes(clues, named),
        confirm=confirm,
    )


def _mixed(clues: Clues) -> bool:
    """Say whether most entries are of connections that one end has not closed yet: they stay for another time."""
    states = clues.tracked.states if isinstance(clues.tracked, Tracked) else {}
    return states.get("TIME_WAIT", 0) * 2 < sum(states.values())


def _open_ends(clues: Clues) -> Evidence:
    """Return who has not closed what its peer has: a program here, or one of the hosts that this one forwards for."""
    closing = sorted((listener for listener in clues.listeners if listener.closing), key=lambda own: -own.closing)
    every = clues.states.get("CLOSE_WAIT", 0)
    if not every:
        text = "no socket here is in CLOSE_WAIT: who does not close is one of the hosts that this one forwards for"
        return Evidence(text, "sock_diag")
    where = ""
    if closing:
        owner = clues.program(clues.owners.get(closing[0].inode, -1))
        where = f", {closing[0].closing:,} of them at {closing[0]}{f' ({owner})' if owner else ''}"
    return Evidence(f"{every:,} sockets here are in CLOSE_WAIT: their program has not closed them{where}", "sock_diag")


def _fixes(clues: Clues, state: str) -> tuple[Fix, ...]:
    """Return a table that holds what the target rate leaves in it, then what leaves less in it.

    Entries of another state than TIME_WAIT have a lifetime of their own, and somebody who keeps them there.
    """
    if state != "TIME_WAIT":
        usual = table.TIMEOUTS[state]
        shorter = table.shorter(clues, state, usual)
        closes = Fix(
            "find the program that does not close what its peers have closed: `ss -tanp state close-wait` names it "
            "here, `conntrack -L -p tcp --state CLOSE_WAIT` the hosts behind"
        )
        return (*shorter, *((closes,) if state == "CLOSE_WAIT" else ()), *table.larger(clues), RULE.fixes[0])
    return (*table.shorter(clues, state, table.TIMEOUTS[state]), *_larger(clues), *RULE.fixes)


def _larger(clues: Clues) -> tuple[Fix, ...]:
    """Return a table that holds what the rate leaves, beside what is there; the rate is the target or was seen."""
    limit, stays = clues.integer(table.MAX) or 0, min(table.lifetime(clues), table.TIMEOUTS["TIME_WAIT"])
    rate = max(clues.rate, _seen_rate(clues))
    if not limit or rate * stays <= limit:
        return table.larger(clues)
    more = limit + rate * stays
    why = f"{rate:,} new connections/s, each of which stays for {stays} s, leave {rate * stays:,} entries beside these"
    return fixing.sysctl(clues, f"{why}{table.memory(more)}", (table.MAX, str(more)))


def _seen_rate(clues: Clues) -> int:
    """Return how many connections a second are tried now; one of this host with itself counts at both ends."""
    tries = max(clues.rates.rose(name) for name in ("Tcp.ActiveOpens", "Tcp.PassiveOpens", table.DROP))
    return math.ceil(tries / clues.rates.seconds) if clues.rates.seconds else 0
