"""Two connections are given the same port of source NAT at the same moment: the second one's packet is dropped.

net/netfilter/nf_conntrack_core.c, __nf_conntrack_confirm(): a port is chosen when the packet comes, and taken when it
leaves; who finds it taken by then counts insert_failed. The packet that is sent again draws again, and gets through.
"""

from __future__ import annotations

from hosttune.diagnosis import nat_rows, saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.nat_rows import Taken
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix
from hosttune.model.filtering import Ruleset, Translation

RULE = Rule(
    __name__,
    "a race in source NAT: two connections get the same port at once, and one of them is dropped",
    failure="no errno, only a delay",
    errnos=("ETIMEDOUT", "EPERM", "none"),
    calls=("connect", "send", "recv"),
    gives={"connect": ("ETIMEDOUT",), "send": ("EPERM",), "": ("none",)},
    unit="ports in use",
    log="nothing; a connect() that takes 1 s more (the SYN is retransmitted), a name look-up that takes 5 s",
    strength=35,
    rivals=("nat", "conntrack"),
)
_DELAY = "is a connect() slow by 1 s, now and then (`curl -w %{time_connect}`), or a name look-up by 5 s?"
_FEWER = Fix(
    "fewer new connections to the same destination: keep them open and use them again; a name cache on each host"
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it as possible, and no more, where entries are refused and the pool has room; else why it is none."""
    failed, before = clues.rates.rose(nat_rows.FAILED), clues.rates.value(nat_rows.FAILED)
    if clues.machine.conntrack is False and not before:
        return (RULE.excluded("nothing tracks connections here, so nothing translates them"),)
    if before is None:
        return (RULE.unknown("the statistics of conntrack were not seen", nat_rows.APART),)
    if table.state(clues) is table.State.BINDS:
        return (RULE.excluded(f"it is the table itself: {table.filled(clues).text}", table.COUNT),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    if not before:
        return (RULE.excluded("insert_failed is 0", table.STATISTICS),)
    fullest = nat_rows.fullest(clues)
    if fullest and fullest.tight:
        return (RULE.excluded(f"the ports are used up, or nearly: {fullest}", nat_rows.WHERE),)
    if not failed and not _delayed(clues):
        text = f"insert_failed stands at {before:,} and does not move: once, not now"
        return (RULE.excluded(text, table.STATISTICS),)
    if fullest is None and nat_rows.searched(clues):
        return (RULE.excluded("many ports were found taken for each failure: the search for a free one fails"),)
    return (_race(clues, fullest),)


def _delayed(clues: Clues) -> bool:
    """Say whether somebody speaks of what a lost SYN looks like."""
    return bool(RULE.met(clues))


def _race(clues: Clues, fullest: Taken | None) -> Cause:
    room = Evidence(f"{fullest}: a lack of ports is not the cause", nat_rows.WHERE) if fullest else None
    found = clues.rates.rose("conntrack.found")
    few = Evidence(f"only {found:,} ports were found in use in that time", f"{table.STATISTICS}: found")
    failed = clues.rates.rose(nat_rows.FAILED)
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        saying.moved(clues, nat_rows.FAILED, table.STATISTICS) or saying.once(clues, nat_rows.FAILED, table.STATISTICS),
        few if failed and not nat_rows.searched(clues) else None,
        room,
        fixes=(*_random(clues, fullest), _FEWER),
        confirm=_DELAY if fullest else f"{nat_rows.APART}; {_DELAY}",
        strength=RULE.strength if fullest else RULE.strength - 10,
    )


def _random(clues: Clues, fullest: Taken | None) -> tuple[Fix, ...]:
    """Return how the rules that keep a port, where it is free, or draw by a hash get to draw at random."""
    rules = clues.ruleset.translations if isinstance(clues.ruleset, Ruleset) else ()
    wanting = [rule for rule in ((fullest.rule,) if fullest else rules) if not rule.fully_random]
    if rules and not wanting:
        return ()  # they are drawn at random already
    return (
        Fix(
            f"fully random ports in the rule{_names(wanting)}: nft `masquerade fully-random`, iptables `-j MASQUERADE "
            "--random-fully` (1.6.2 and later); with Kubernetes an option of its network plug-in"
        ),
    )


def _names(rules: list[Translation]) -> str:
    return " " + ", ".join(rule.where for rule in rules[:2]) if rules else ""
