"""The conntrack table is full: packets of new connections are dropped (net/netfilter/nf_conntrack_core.c)."""

from __future__ import annotations

import dataclasses

from hosttune.diagnosis import fixing, saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.diagnosis.table import State
from hosttune.model import Cause, Certainty, Evidence, Fix, Unknown

RULE = Rule(
    __name__,
    "the conntrack table is full",
    errnos=table.ERRNOS,
    unit="entries",
    log=table.LOG,
    fixes=(Fix(f"{table.NO_TRACKING}: then the table does not matter"),),
    confirm="`sudo hosttune diagnose --for 10s` while it stalls: `drop` of /proc/net/stat/nf_conntrack rises, and "
    "`dmesg` has `nf_conntrack: table full`",
    gives=table.GIVES,
    rivals=("conntrack-churn", "nat", "ports", "accept-queue"),
)
_DEFAULTS = (65_536, 262_144)
"""Maxima that a kernel takes by itself, Documentation/networking/nf_conntrack-sysctl.rst."""

_ESTABLISHED = "net.netfilter.nf_conntrack_tcp_timeout_established"
_DEAD = 7200
"""Seconds until keepalive asks whether a peer is there, where nobody sets it: include/net/tcp.h, TCP_KEEPALIVE_TIME."""


_UNANSWERED = 30
"""Seconds that an answer may take: the SYN is sent again after 1, 3, 7 and 15 s (tcp(7), tcp_syn_retries)."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether the table binds now; without a reading of it, what the kernel's words, errno and number say."""
    now = table.state(clues)
    if now is State.BINDS:
        return (_binds(clues),)
    if now is State.UNKNOWN:
        return (_by_word(clues) if table.logged_full(clues) or table.spoken(clues) else _by_number(clues),)
    if now is State.IDLE:
        return (_idle(clues),)
    if now is State.SPARED and _waited(clues):
        return (_cause(clues, Certainty.POSSIBLE, 40, table.filled(clues), against=table.why_not(clues, now)),)
    if now is State.ROOM and _was(clues):
        return (_past(clues),)
    return (RULE.excluded(table.why_not(clues, now)),)


def _cause(
    clues: Clues,
    certainty: Certainty,
    strength: int,
    *evidence: Seen,
    what: str = "",
    fixes: tuple[Fix, ...] = (),
    against: Seen = (),
) -> Cause:
    limit = clues.integer(table.MAX) or table.written_limit(clues)
    fixes = (*table.larger(clues), *fixes, *RULE.fixes)
    if certainty is Certainty.CERTAIN:
        what = f"{RULE.what}, and drops new connections without an error"
    return RULE.cause(clues, certainty, *evidence, at=limit, what=what, fixes=fixes, strength=strength, against=against)


def _binds(clues: Clues) -> Cause:
    over, gone = table.over(clues), _gone(clues)
    if over is not None and over > 0.5:
        closed = f"{saying.percent(over)} of its entries are of connections that are closed, at one end at least"
        text = f"the table is full, but {closed}"
        return RULE.excluded(text, "ctnetlink", what="a table full of open connections")
    stale = over is not None and gone and clues.integer("net.ipv4.ip_forward") == 0
    full = (table.filled(clues), *table.dropping(clues), *table.entries(clues))
    more = _stale(clues) if stale else _unanswered(clues)
    return _cause(clues, Certainty.CERTAIN, 85, full, gone, fixes=more)


def _unanswered(clues: Clues) -> tuple[Fix, ...]:
    """Return what ends entries of connections that never came to be, where most of them are such."""
    state = table.foremost(clues, "SYN_SENT", "SYN_RECV")
    if not state:
        return ()
    who = Fix(f"find who begins connections that nobody answers: `conntrack -L -p tcp --state {state}`")
    return (who, *table.shorter(clues, state, _UNANSWERED))


def _stale(clues: Clues) -> tuple[Fix, ...]:
    """Return what ends entries without a connection: two hours is when keepalive has found a dead one (tcp(7))."""
    stays = clues.integer(_ESTABLISHED)
    if stays is not None and stays <= _DEAD:
        return ()
    why = "let entries without traffic end after 2 hours, as long as keepalive takes, not after 5 days"
    return fixing.sysctl(clues, why, (_ESTABLISHED, str(_DEAD)))


def _gone(clues: Clues) -> Evidence | None:
    """Return that far fewer sockets are open than entries: they are forwarded, or of connections long gone."""
    local, count = table.sockets(clues), clues.rates.value("conntrack.count") or 0
    if local is None or local * 2 >= count:
        return None
    others = "forwarded ones (containers, NAT), or connections whose end was never seen"
    if clues.integer("net.ipv4.ip_forward") == 0:
        others = "connections whose end was never seen: this host forwards none"
    text = f"only {local:,} TCP sockets are in use here: the other entries are {others}"
    if table.over(clues) is None:
        text = f"{local:,} TCP sockets are in use here; the others may be closed, or forwarded: root sees their states"
    return Evidence(text, "/proc/net/sockstat")


def _by_word(clues: Clues) -> Cause:
    """Return the cause where the kernel says it, in its log or in one that a person gave, and no table was observed."""
    own = clues.machine.network_namespace == "initial"
    certainty = Certainty.CERTAIN if table.logged_full(clues) else Certainty.LIKELY if own else Certainty.POSSIBLE
    spaces = table.other_namespaces(clues)
    if spaces:
        return _elsewhere(clues, spaces)
    return _cause(clues, certainty, 70, table.dropping(clues))


def _elsewhere(clues: Clues, spaces: tuple[int, ...], against: Seen = ()) -> Cause:
    """Return that the table of a namespace is full of which the kernel wrote only the inode: each has its own count."""
    names = ", ".join(map(str, spaces))
    whose = Evidence(f"the kernel names the network namespace {names}: each has a count of its own", "--log")
    find = (
        f"`sudo lsns -t net | grep -wE '{'|'.join(map(str, spaces))}'` names whose it is; look at it: `sudo hosttune "
    )
    cause = _cause(clues, Certainty.LIKELY, 60, whose, against=against)
    return dataclasses.replace(
        cause, what=f"the conntrack table of network namespace {names} is full", confirm=f"{find}diagnose --netns NAME`"
    )


def _by_number(clues: Clues) -> Cause:
    number = clues.stalled_at
    if RULE.met(clues) is False:
        return RULE.excluded("it gives no error, or ETIMEDOUT, or EPERM to a datagram", "--errno")
    limit = clues.integer(table.MAX)
    known = (limit,) if limit else _DEFAULTS
    fits = next((size for size in known if saying.near(number, size, slack=0.02)), None)
    if fits:
        text = f"it stopped at {number:,}, where a table of {fits:,} entries would be full"
        return _cause(clues, Certainty.POSSIBLE, 50, Evidence(text, "--stalled-at"))
    if clues.met("ETIMEDOUT", calls=("connect",)):
        return _cause(clues, Certainty.POSSIBLE, 10)
    unread = clues.limits.get(table.MAX)
    return RULE.unknown(unread if isinstance(unread, Unknown) else "nf_conntrack_count was not seen", RULE.confirm)


def _idle(clues: Clues) -> Cause:
    """Return what a full table is where nothing was tried, or where nothing counts: it would drop the next one."""
    full = (table.filled(clues), *table.entries(clues))
    if clues.opening and clues.rates.moved(table.DROP) is None:
        waiting = Evidence(f"{clues.opening:,} sockets wait for an answer to their SYN", "sock_diag")
        return _cause(clues, Certainty.LIKELY, 50, full, waiting)
    if _waited(clues):
        return _cause(clues, Certainty.LIKELY, 50, full, _stopped(clues))
    nothing = Evidence("nothing was dropped in that time, and there were no new connections")
    return _cause(clues, Certainty.POSSIBLE, 50, full, nothing)


def _near(clues: Clues) -> bool:
    """Say whether it stopped at as many connections as there are entries, or half as many: a proxy has two for each."""
    limit = clues.integer(table.MAX) or 0
    return any(saying.near(clues.stalled_at, number) for number in (limit, limit // 2))


def _waited(clues: Clues) -> bool:
    """Say whether a person or a log speaks of what a full table looks like."""
    return bool(clues.met("ETIMEDOUT", calls=("connect",))) or _near(clues)


def _stopped(clues: Clues) -> Evidence | None:
    if not _near(clues):
        return None
    limit = clues.integer(table.MAX) or 0
    return Evidence(f"it stopped at {clues.stalled_at:,}, and the table has {limit:,} entries", "--stalled-at")


def _was(clues: Clues) -> bool:
    """Say whether the table was full once, and the person speaks of what that looks like, or shows the kernel's words.

    Those may be of another namespace, or older than the counter.
    """
    return table.logged_full(clues) or (bool(clues.rates.value(table.DROP)) and _waited(clues))


def _past(clues: Clues) -> Cause:
    """A table that has dropped before is a sign; one that never has speaks against the words that a person gave."""
    stands, dropped = table.why_not(clues, State.ROOM), clues.rates.value(table.DROP)
    spaces = table.other_namespaces(clues)
    if spaces:
        return _elsewhere(clues, spaces, stands)
    if table.logged_full(clues) and dropped != 0:
        once = Evidence(f"it was full, and is not now: {stands.text}", stands.where)
        return _cause(clues, Certainty.LIKELY, 40, once)
    if dropped:
        return _cause(clues, Certainty.POSSIBLE, 40, stands)
    return _cause(clues, Certainty.POSSIBLE, 40, against=stands)
