"""The conntrack table is full of closed connections: their entries stay for 120 s after the end.

net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts: the table has a TIME_WAIT of its own, twice that of the sockets.
"""

from __future__ import annotations

from hosttune.diagnosis import saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.table import State
from hosttune.model import Cause, Certainty, Evidence, Tracked

RIVALS = ("conntrack", "nat", "time-wait", "ports")
_ID = "conntrack-churn"
_WHAT = "closed connections fill the conntrack table"
_CONFIRM = "`sudo hosttune diagnose` sees the states of the entries; so does `conntrack -L -p tcp`, column 4"
_SOCKSTAT = "/proc/net/sockstat"
_SOCKET = 60  # seconds, TCP_TIMEWAIT_LEN, include/net/tcp.h


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether closed connections fill a table that binds; without a reading, what rate and words say."""
    now = table.state(clues)
    if now is State.BINDS:
        return (_binds(clues),)
    if now is State.UNKNOWN:
        return (_by_word(clues),)
    if now is State.IDLE:
        over = table.over(clues)
        if over is not None and over > 0.5:
            evidence = (table.filled(clues), *table.entries(clues))
            return (_cause(clues, Certainty.POSSIBLE, evidence, "`hosttune diagnose --for 10s` while it stalls"),)
        return (saying.excluded(_ID, _WHAT, "nothing was dropped meanwhile", table.STATISTICS),)
    fast = _too_fast(clues)
    if fast and now is State.ROOM:
        return (_cause(clues, Certainty.POSSIBLE, (fast, table.filled(clues)), _CONFIRM),)
    why = table.why_not(clues, now)
    return (saying.excluded(_ID, _WHAT, why.text, why.where),)


def _binds(clues: Clues) -> Cause:
    over = table.over(clues)
    full = (table.filled(clues), *table.dropping(clues))
    if over is not None:
        if over <= 0.5:
            return saying.excluded(
                _ID, _WHAT, f"{saying.percent(over)} of the entries are of closed connections", "ctnetlink"
            )
        return _cause(clues, Certainty.CERTAIN, (*full, *table.entries(clues), *_open(clues)), "")
    return _by_sockets(clues, full)


def _by_sockets(clues: Clues, full: tuple[Evidence, ...]) -> Cause:
    """Return what the sockets say of a table into which we may not look: what is closed here stays twice as long there.

    Where packets are forwarded the sockets of this namespace say nothing of the table.
    """
    here, closed = table.sockets(clues), clues.rates.value("sockstat.TCP.tw")
    count = clues.rates.value("conntrack.count") or 0
    if here is None or closed is None:
        return saying.unknown(_ID, _WHAT, "neither the entries nor the sockets could be looked at", _CONFIRM)
    if here * 2 > count:
        text = f"{here:,} sockets are in use, which is most of the {count:,} entries"
        return saying.excluded(_ID, _WHAT, text, _SOCKSTAT)
    forwards = clues.integer("net.ipv4.ip_forward") != 0
    kept = closed * table.lifetime(clues) // _SOCKET
    certainty = Certainty.LIKELY if not forwards and here + kept > count * 0.7 else Certainty.POSSIBLE
    return _cause(clues, certainty, (*full, *_open(clues)), _CONFIRM)


def _open(clues: Clues) -> tuple[Evidence, ...]:
    here, closed = table.sockets(clues), clues.rates.value("sockstat.TCP.tw")
    if here is None:
        return ()
    return (Evidence(f"{here:,} TCP sockets are in use here, {closed or 0:,} in TIME_WAIT", _SOCKSTAT),)


def _too_fast(clues: Clues) -> Evidence | None:
    """Return that the rate which was said to be wanted fills the table with closed connections."""
    limit, stays = clues.integer(table.MAX), table.lifetime(clues)
    if not limit or clues.rate * stays <= limit:
        return None
    text = f"{clues.rate:,} new connections/s, each of which stays for {stays} s, need {clues.rate * stays:,} entries"
    return Evidence(text, f"{table.MAX}, nf_conntrack_tcp_timeout_time_wait")


def _by_word(clues: Clues) -> Cause:
    """Return it as possible where the kernel says that the table is full: what fills it was not seen."""
    fast = _too_fast(clues)
    if table.told(clues) or table.spoken(clues) or fast:
        evidence = (*table.dropping(clues), *((fast,) if fast else ()))
        return _cause(clues, Certainty.POSSIBLE, evidence, _CONFIRM)
    if clues.heard(*table.ERRNOS) is False:
        return saying.excluded(_ID, _WHAT, "it gives no error, or ETIMEDOUT", "--errno")
    return saying.unknown(_ID, _WHAT, "the conntrack table was not seen", _CONFIRM)


def _half_closed(clues: Clues) -> bool:
    """Say whether most entries are of connections that one end has not closed yet: they stay for another time."""
    states = clues.tracked.states if isinstance(clues.tracked, Tracked) else {}
    return states.get("TIME_WAIT", 0) * 2 < sum(states.values())


def _cause(clues: Clues, certainty: Certainty, evidence: tuple[Evidence, ...], confirm: str) -> Cause:
    limit, stays = clues.integer(table.MAX), table.lifetime(clues)
    rate = limit // stays if limit and not _half_closed(clues) else None
    allowed = f"{limit:,} entries that stay for {stays} s allow {rate:,} new connections/s" if limit and rate else ""
    return Cause(
        _ID,
        f"{_WHAT}, and new ones are dropped without an error" if certainty is Certainty.CERTAIN else _WHAT,
        certainty,
        rate,
        "new connections/s",
        evidence=(
            *evidence,
            *((Evidence(allowed, "nf_conntrack_tcp_timeout_time_wait"),) if allowed else ()),
            *saying.heard(clues),
            *saying.logged(clues, _ID),
        ),
        log=table.LOG,
        fixes=(
            "do not track the service's port, in both directions (nft `notrack` in a raw chain, iptables -t raw -j CT "
            "--notrack)",
            "sudo hosttune apply --role ROLE --connections N --rate R, for net.netfilter.nf_conntrack_max",
            "keep connections open and use them again; or sysctl net.netfilter.nf_conntrack_tcp_timeout_time_wait=30",
        ),
        confirm=confirm,
        strength=86,
    )
