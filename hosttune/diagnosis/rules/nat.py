"""Source NAT finds no free port: all who share one address have used them up towards a destination.

net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple() tries some ports of the range and gives up; the tuple that it
leaves is taken, so that __nf_conntrack_confirm() counts `insert_failed` and the packet is dropped.
"""

from __future__ import annotations

from hosttune.diagnosis import saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.model import Backend, Cause, Certainty, Evidence, Shared, Tracked

RULE = Rule(
    __name__,
    "NAT finds no free port of the address that it shares",
    log="nothing here; behind the NAT connect() waits, then ETIMEDOUT",
    fixes=(
        "a wider range of ports in the rule (nft `masquerade to :1024-65535`, iptables --to-ports), or none at all",
        "more addresses to share: nft `snat to 192.0.2.1-192.0.2.4`",
        "no NAT on this way: a route back to the clients, or addresses of their own",
        "more destinations, or connections that stay open and are used again",
    ),
    confirm="`sudo hosttune diagnose --for 10s` while it stalls; `conntrack -S`: insert_failed; `nft list ruleset`: "
    "snat, masquerade",
    strength=70,
    rivals=("conntrack", "ports", "nat-gateway"),
)
_FAILED = "conntrack.insert_failed"
_SEARCHED = 4
"""Ports that were found taken for each failure, at least: two equal packets at once fail without any such search."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether entries that NAT made are refused now, and who shares which address; else why not."""
    failed, before = clues.rates.rose(_FAILED), clues.rates.value(_FAILED)
    shared = clues.tracked.shared if isinstance(clues.tracked, Tracked) else ()
    if table.state(clues) is table.State.BINDS:
        why = table.filled(clues)
        return (RULE.excluded(f"it is the table itself: {why.text}", why.where),)
    if failed and before is not None:
        return (_failing(clues, failed, shared),)
    if before is None:
        if clues.machine.conntrack is False:
            return (RULE.excluded("nothing tracks connections here, so nothing translates them"),)
        if clues.hits(RULE.kind):
            return (_cause(clues, Certainty.POSSIBLE, ()),)
        return (RULE.unknown("the statistics of conntrack were not seen", RULE.confirm),)
    if before and shared:
        once = saying.once(clues, _FAILED, table.STATISTICS)
        return (_cause(clues, Certainty.POSSIBLE, shared, once, _shared(shared)),)
    text = f"insert_failed stands at {before:,} and does not move: once, not now" if before else "insert_failed is 0"
    return (RULE.excluded(text, table.STATISTICS),)


def _failing(clues: Clues, failed: int, shared: tuple[Shared, ...]) -> Cause:
    taken = clues.rates.rose("conntrack.found")
    searched = taken >= failed * _SEARCHED
    text = f"{taken / failed:,.0f} ports were found taken for each of them: the search for a free one fails"
    forwards = Evidence("this host forwards for others (net.ipv4.ip_forward is 1)", "net.ipv4.ip_forward")
    certainty = Certainty.LIKELY if searched or shared else Certainty.POSSIBLE
    return _cause(
        clues,
        Certainty.CERTAIN if searched and shared else certainty,
        shared if searched else (),
        saying.moved(clues, _FAILED, table.STATISTICS),
        Evidence(text, f"{table.STATISTICS}: found") if searched else None,
        forwards if clues.integer("net.ipv4.ip_forward") else None,
        _shared(shared),
        table.filled(clues),
    )


def _shared(shared: tuple[Shared, ...]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            f"{share.entries:,} connections share {share.address} towards {Backend(share.target, share.port)}",
            "ctnetlink, `conntrack -L --src-nat`",
        )
        for share in shared[:2]
    )


def _cause(clues: Clues, certainty: Certainty, shared: tuple[Shared, ...], *evidence: Seen) -> Cause:
    for share in shared[:1]:
        what = f"NAT finds no free port of {share.address} towards {Backend(share.target, share.port)}"
        return RULE.cause(clues, certainty, *evidence, at=share.entries, what=what)
    return RULE.cause(clues, certainty, *evidence)
