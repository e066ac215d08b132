"""The conntrack table is full of closed connections: their entries stay for 120 s after the end.

net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts: the table has a TIME_WAIT of its own, twice that of the sockets.
"""

from __future__ import annotations

from hosttune import kernel
from hosttune.diagnosis import saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.diagnosis.table import State
from hosttune.model import Cause, Certainty, Evidence, Tracked

RULE = Rule(
    __name__,
    "closed connections fill the conntrack table",
    errnos=table.ERRNOS,
    unit="new connections/s",
    log=table.LOG,
    fixes=(
        table.NO_TRACKING,
        "sudo hosttune apply --role ROLE --connections N --rate R, for net.netfilter.nf_conntrack_max",
        "keep connections open and use them again; or sysctl net.netfilter.nf_conntrack_tcp_timeout_time_wait=30",
    ),
    confirm="`sudo hosttune diagnose` sees the states of the entries; so does `conntrack -L -p tcp`, column 4",
    strength=86,
    rivals=("conntrack", "nat", "time-wait", "ports"),
)
_SOCKSTAT = "/proc/net/sockstat"


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
        return RULE.excluded("nothing was dropped meanwhile", table.STATISTICS)
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


def _half_closed(clues: Clues) -> bool:
    """Say whether most entries are of connections that one end has not closed yet: they stay for another time."""
    states = clues.tracked.states if isinstance(clues.tracked, Tracked) else {}
    return states.get("TIME_WAIT", 0) * 2 < sum(states.values())


def _cause(clues: Clues, certainty: Certainty, *evidence: Seen, confirm: str | None = None) -> Cause:
    limit, stays = clues.integer(table.MAX), table.lifetime(clues)
    rate = limit // stays if limit and not _half_closed(clues) else None
    allowed = f"{limit:,} entries that stay for {stays} s allow {rate:,} new connections/s" if limit and rate else ""
    source = Evidence(allowed, "nf_conntrack_tcp_timeout_time_wait") if allowed else None
    sure = certainty is Certainty.CERTAIN
    what = f"{RULE.what}, and new ones are dropped without an error" if sure else ""
    return RULE.cause(clues, certainty, *evidence, source, at=rate, what=what, confirm=confirm)
