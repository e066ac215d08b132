"""The conntrack table is full: packets of new connections are dropped (net/netfilter/nf_conntrack_core.c)."""

from __future__ import annotations

import dataclasses

from hosttune.diagnosis import saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.table import State
from hosttune.model import Cause, Certainty, Evidence, Unknown

RIVALS = ("conntrack-churn", "nat", "ports", "accept-queue")
_ID = "conntrack"
_WHAT = "the conntrack table is full"
_DEFAULTS = (65_536, 262_144)
"""Maxima that a kernel takes by itself, Documentation/networking/nf_conntrack-sysctl.rst."""

_CONFIRM = (
    "`sudo hosttune diagnose --for 10s` while it stalls: `drop` of /proc/net/stat/nf_conntrack rises, and `dmesg` has "
    "`nf_conntrack: table full`"
)
_FIXES = (
    "sudo hosttune apply --role ROLE --connections N, for net.netfilter.nf_conntrack_max",
    "do not track the service's port, in both directions (nft `notrack` in a raw chain, iptables -t raw -j CT "
    "--notrack): then the table does not matter",
)
_STALE = "sysctl net.netfilter.nf_conntrack_tcp_timeout_established=7200: without traffic an entry stays for 5 days"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether the table binds now; without a reading of it, what the kernel's words, errno and number say."""
    now = table.state(clues)
    if now is State.BINDS:
        return (_binds(clues),)
    if now is State.UNKNOWN:
        return (_by_word(clues) if table.told(clues) or table.spoken(clues) else _by_number(clues),)
    if now is State.IDLE:
        return (_idle(clues),)
    if now is State.ROOM and _was(clues):
        return (_past(clues),)
    why = table.why_not(clues, now)
    return (saying.excluded(_ID, _WHAT, why.text, why.where),)


def _binds(clues: Clues) -> Cause:
    over = table.over(clues)
    if over is not None and over > 0.5:
        text = f"the table is full, but {saying.percent(over)} of its entries are of connections that are closed"
        return saying.excluded(_ID, "a table full of open connections", text, "ctnetlink")
    return _cause(
        clues,
        Certainty.CERTAIN,
        (table.filled(clues), *table.dropping(clues), *table.entries(clues), *_gone(clues)),
        "",
        85,
        (_STALE,) if over is not None and _gone(clues) and clues.integer("net.ipv4.ip_forward") == 0 else (),
    )


def _gone(clues: Clues) -> tuple[Evidence, ...]:
    """Return that far fewer sockets are open than entries: they are forwarded, or of connections long gone."""
    here, count = table.sockets(clues), clues.rates.value("conntrack.count") or 0
    if here is None or here * 2 >= count:
        return ()
    if table.over(clues) is None:
        text = f"{here:,} TCP sockets are in use here; the others may be closed, or forwarded: root sees their states"
        return (Evidence(text, "/proc/net/sockstat"),)
    others = "forwarded ones (containers, NAT), or connections whose end was never seen"
    if clues.integer("net.ipv4.ip_forward") == 0:
        others = "connections whose end was never seen: this host forwards none"
    text = f"only {here:,} TCP sockets are in use here: the other entries are {others}"
    return (Evidence(text, "/proc/net/sockstat"),)


def _by_word(clues: Clues) -> Cause:
    """Return the cause where the kernel says it, in its log or in one that a person gave, and no table was seen."""
    own = clues.machine.network_namespace == "initial"
    certainty = Certainty.CERTAIN if table.told(clues) else Certainty.LIKELY if own else Certainty.POSSIBLE
    return _cause(clues, certainty, table.dropping(clues), "" if table.told(clues) else _CONFIRM, 70)


def _by_number(clues: Clues) -> Cause:
    number, heard = clues.stalled_at, clues.heard(*table.ERRNOS)
    if heard is False:
        return saying.excluded(_ID, _WHAT, "it gives no error, or ETIMEDOUT, or EPERM to a datagram", "--errno")
    limit = clues.integer(table.MAX)
    known = (limit,) if limit else _DEFAULTS
    fits = next((one for one in known if saying.near(number, one, slack=0.02)), None)
    if fits:
        text = f"it stopped at {number:,}, where a table of {fits:,} entries would be full"
        return _cause(clues, Certainty.POSSIBLE, (Evidence(text, "--stalled-at"),), _CONFIRM, 50)
    if clues.heard("ETIMEDOUT", calls=("connect",)):
        return _cause(clues, Certainty.POSSIBLE, (), _CONFIRM, 10)
    told = clues.limits.get(table.MAX)
    why = told if isinstance(told, Unknown) else "nf_conntrack_count was not seen"
    return saying.unknown(_ID, _WHAT, why, _CONFIRM)


def _idle(clues: Clues) -> Cause:
    """Return what a full table is where nothing was tried, or where nothing counts: it would drop the next one."""
    waiting = clues.opening and clues.rates.moved(table.DROP) is None
    text = "nothing was dropped meanwhile, and no connection was begun" if not waiting else ""
    evidence = (table.filled(clues), *table.entries(clues), *((Evidence(text),) if text else ()))
    if waiting:
        evidence = (*evidence, Evidence(f"{clues.opening:,} sockets wait for an answer to their SYN", "sock_diag"))
    return _cause(clues, Certainty.LIKELY if waiting else Certainty.POSSIBLE, evidence, _CONFIRM, 50)


def _was(clues: Clues) -> bool:
    """Say whether the table was full once, and the person speaks of what that looks like, or shows the kernel's words.

    Those may be of another namespace, or older than the counter.
    """
    if table.told(clues):
        return True
    limit = clues.integer(table.MAX) or 0
    waited = clues.heard("ETIMEDOUT", calls=("connect",)) or any(
        saying.near(clues.stalled_at, number) for number in (limit, limit // 2)
    )
    return bool(clues.rates.value(table.DROP)) and bool(waited)


def _past(clues: Clues) -> Cause:
    """A table that has dropped before is a sign; one that never has speaks against the words that a person gave."""
    stands = (table.why_not(clues, State.ROOM),)
    if clues.rates.value(table.DROP):
        return _cause(clues, Certainty.POSSIBLE, stands, _CONFIRM, 40)
    return dataclasses.replace(_cause(clues, Certainty.POSSIBLE, (), _CONFIRM, 40), against=stands)


def _cause(
    clues: Clues,
    certainty: Certainty,
    evidence: tuple[Evidence, ...],
    confirm: str,
    strength: int,
    more: tuple[str, ...] = (),
) -> Cause:
    return Cause(
        _ID,
        f"{_WHAT}, and drops new connections without an error" if certainty is Certainty.CERTAIN else _WHAT,
        certainty,
        clues.integer(table.MAX) or None,
        "entries",
        evidence=(*evidence, *saying.heard(clues), *saying.logged(clues, _ID)),
        log=table.LOG,
        fixes=(*_FIXES, *more),
        confirm=confirm,
        strength=strength,
    )
