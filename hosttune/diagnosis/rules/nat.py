"""Source NAT finds no free port: all who share one address have used them up towards a destination.

net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple() tries some ports of the range and gives up; the tuple that it
leaves is taken, so that __nf_conntrack_confirm() counts `insert_failed` and the packet is dropped.
"""

from __future__ import annotations

from hosttune.diagnosis import saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.model import Backend, Cause, Certainty, Evidence, Shared, Tracked

RIVALS = ("conntrack", "ports", "nat-gateway")
_ID = "nat"
_WHAT = "NAT finds no free port of the address that it shares"
_FAILED = "conntrack.insert_failed"
_FOUND = "conntrack.found"
_SEARCHED = 4
"""Ports that were found taken for each failure, at least: two equal packets at once fail without any such search."""

_FIXES = (
    "a wider range of ports in the rule (nft `masquerade to :1024-65535`, iptables --to-ports), or none at all",
    "more addresses to share: nft `snat to 192.0.2.1-192.0.2.4`",
    "no NAT on this way: a route back to the clients, or addresses of their own",
    "more destinations, or connections that stay open and are used again",
)
_CONFIRM = (
    "`sudo hosttune diagnose --for 10s` while it stalls; `conntrack -S`: insert_failed; `nft list ruleset`: snat, "
    "masquerade"
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether entries that NAT made are refused now, and who shares which address; else why not."""
    failed, before = clues.rates.rose(_FAILED), clues.rates.value(_FAILED)
    shared = clues.tracked.shared if isinstance(clues.tracked, Tracked) else ()
    if table.state(clues) is table.State.BINDS:
        why = table.filled(clues)
        return (saying.excluded(_ID, _WHAT, f"it is the table itself: {why.text}", why.where),)
    if failed and before is not None:
        return (_failing(clues, failed, shared),)
    if before is None:
        if clues.machine.conntrack is False:
            return (saying.excluded(_ID, _WHAT, "nothing tracks connections here, so nothing translates them"),)
        return (_by_word(clues),)
    if before and shared:
        evidence = (*_once(clues), *_shared(shared))
        return (_cause(clues, Certainty.POSSIBLE, evidence, shared, _CONFIRM),)
    text = f"insert_failed stands at {before:,} and does not move: once, not now" if before else "insert_failed is 0"
    return (saying.excluded(_ID, _WHAT, text, table.STATISTICS),)


def _failing(clues: Clues, failed: int, shared: tuple[Shared, ...]) -> Cause:
    found = clues.rates.rose(_FOUND)
    searched = found >= failed * _SEARCHED
    forwards = clues.integer("net.ipv4.ip_forward")
    evidence = [saying.moved(clues, _FAILED, table.STATISTICS)]
    if searched:
        text = f"{found / failed:,.0f} ports were found taken for each of them: the search for a free one fails"
        evidence.append(Evidence(text, f"{table.STATISTICS}: found"))
    if forwards:
        evidence.append(Evidence("this host forwards for others (net.ipv4.ip_forward is 1)", "net.ipv4.ip_forward"))
    certain = searched and shared
    certainty = Certainty.CERTAIN if certain else Certainty.LIKELY if searched or shared else Certainty.POSSIBLE
    told = tuple(one for one in evidence if one)
    return _cause(
        clues,
        certainty,
        (*told, *_shared(shared), table.filled(clues)),
        shared if searched else (),
        "" if certain else _CONFIRM,
    )


def _shared(shared: tuple[Shared, ...]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            f"{one.entries:,} connections share {one.address} towards {Backend(one.target, one.port)}",
            "ctnetlink, `conntrack -L --src-nat`",
        )
        for one in shared[:2]
    )


def _once(clues: Clues) -> tuple[Evidence, ...]:
    once = saying.once(clues, _FAILED, table.STATISTICS)
    return (once,) if once else ()


def _by_word(clues: Clues) -> Cause:
    if clues.hits(_ID):
        return _cause(clues, Certainty.POSSIBLE, (), (), _CONFIRM)
    return saying.unknown(_ID, _WHAT, "the statistics of conntrack were not seen", _CONFIRM)


def _cause(
    clues: Clues,
    certainty: Certainty,
    evidence: tuple[Evidence, ...],
    shared: tuple[Shared, ...],
    confirm: str,
) -> Cause:
    first = shared[0] if shared else None
    return Cause(
        _ID,
        f"NAT finds no free port of {first.address} towards {Backend(first.target, first.port)}" if first else _WHAT,
        certainty,
        first.entries if first else None,
        evidence=(*evidence, *saying.heard(clues), *saying.logged(clues, _ID)),
        log="nothing here; behind the NAT connect() waits, then ETIMEDOUT",
        fixes=_FIXES,
        confirm=confirm,
        strength=70,
    )
