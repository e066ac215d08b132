"""Source NAT finds no free port: all who share one address have used them up towards a destination.

net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple() tries some ports of the range and gives up; the tuple that it
leaves is taken, so that __nf_conntrack_confirm() counts `insert_failed` and the packet is dropped.
"""

from __future__ import annotations

from hosttune.capacity import translation
from hosttune.diagnosis import nat_rows, saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, Shared, Unknown
from hosttune.model.filtering import Packet, Ruleset
from hosttune.model.packets import met

RULE = Rule(
    __name__,
    "NAT finds no free port of the address that it shares",
    log="nothing here; behind the NAT connect() waits, then ETIMEDOUT",
    fixes=(
        Fix(
            "a wider range of ports in the rule (nft `masquerade to :1024-65535`, iptables --to-ports), or none at all"
        ),
        Fix("more addresses to share: nft `snat to 192.0.2.1-192.0.2.4`"),
        Fix("no NAT on this way: a route back to the clients, or addresses of their own"),
        Fix("more destinations, or connections that stay open and are used again"),
    ),
    confirm="`sudo hosttune diagnose --for 10s` while it stalls; `conntrack -S`: insert_failed; `nft list ruleset`: "
    "snat, masquerade",
    strength=70,
    gives={"connect": ("ETIMEDOUT",), "send": ("EPERM",), "": ("none",)},
    rivals=("nat-race", "conntrack", "ports", "nat-gateway"),
)
_FAILED = nat_rows.FAILED


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether entries that NAT made are refused now, and who shares which address; else why not."""
    failed, before = clues.rates.rose(_FAILED), clues.rates.value(_FAILED)
    shared = nat_rows.shared(clues)
    if table.state(clues) is table.State.BINDS:
        why = table.filled(clues)
        return (RULE.excluded(f"it is the table itself: {why.text}", why.where),)
    full = _full(clues) if failed or before else None
    if full:
        return (full,)
    fullest = nat_rows.fullest(clues)
    if before and fullest and not fullest.tight and not nat_rows.searched(clues):
        return (RULE.excluded(f"{fullest}: ports are free", nat_rows.WHERE),)
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


def _full(clues: Clues) -> Cause | None:
    """Return that a rule has given out all its ports of an address, None where that is not seen of any.

    insert_failed moves only while somebody tries: a full pool is one whether it does or not.
    """
    if not isinstance(clues.ruleset, Ruleset) or isinstance(clues.translated, Unknown):
        return None
    for row in clues.translated:
        goal = Packet(destination=row.target, port=row.port)
        rules = [
            rule
            for rule in clues.ruleset.translations
            if translation.gives(rule, row.address) and met(rule.matching, goal) is not False
        ]
        if not rules or any(translation.taken(rule, row.open) < translation.ports(rule) for rule in rules):
            continue
        target, size = Backend(row.target, row.port), translation.ports(rules[0])
        counts = f"{size:,} of {size:,}"
        return RULE.cause(
            clues,
            Certainty.CERTAIN,
            Evidence(f"{counts} ports of {row.address} are in use towards {target}", "ctnetlink"),
            Evidence(f"the rule {rules[0].where} gives no others", "nft list ruleset, iptables -t nat -S"),
            saying.moved(clues, _FAILED, table.STATISTICS) or saying.once(clues, _FAILED, table.STATISTICS),
            table.filled(clues),
            at=size,
            what=f"source NAT is out of ports: {counts} towards {target} (rule {rules[0].where})",
        )
    return None


def _failing(clues: Clues, failed: int, shared: tuple[Shared, ...]) -> Cause:
    """Return what the failures are worth: certain where the search fails, or possible where it may be a race."""
    searched, fullest = nat_rows.searched(clues), nat_rows.fullest(clues)
    taken = clues.rates.rose("conntrack.found")
    text = f"{taken / failed:,.0f} ports were found taken for each of them: the search for a free one fails"
    forwards = Evidence("this host forwards for others (net.ipv4.ip_forward is 1)", "net.ipv4.ip_forward")
    tight = fullest is not None and fullest.tight
    certainty = Certainty.LIKELY if searched or tight else Certainty.POSSIBLE
    if fullest is not None and not tight:
        certainty = Certainty.POSSIBLE  # ports were searched in vain, and of those that are known there is room
    elif searched and shared:
        certainty = Certainty.CERTAIN
    return _cause(
        clues,
        certainty,
        shared if searched or tight else (),
        saying.moved(clues, _FAILED, table.STATISTICS),
        Evidence(text, f"{table.STATISTICS}: found") if searched else None,
        Evidence(str(fullest), nat_rows.WHERE) if fullest else None,
        forwards if clues.integer("net.ipv4.ip_forward") else None,
        _shared(shared),
        table.filled(clues),
        confirm=None if fullest else nat_rows.APART,
    )


def _shared(shared: tuple[Shared, ...]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            f"{share.entries:,} connections share {share.address} towards {Backend(share.target, share.port)}",
            "ctnetlink, `conntrack -L --src-nat`",
        )
        for share in shared[:2]
    )


def _cause(
    clues: Clues, certainty: Certainty, shared: tuple[Shared, ...], *evidence: Seen, confirm: str | None = None
) -> Cause:
    confirm = "" if certainty is Certainty.CERTAIN else confirm
    for share in shared[:1]:
        what = f"NAT finds no free port of {share.address} towards {Backend(share.target, share.port)}"
        return RULE.cause(clues, certainty, *evidence, at=share.entries, what=what, confirm=confirm)
    return RULE.cause(clues, certainty, *evidence, confirm=confirm)
