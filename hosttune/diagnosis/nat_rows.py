"""How many ports of a rule of source NAT are in use: what tells a pool that is used up from a race for a port.

net/netfilter/nf_nat_core.c nf_nat_l4proto_unique_tuple(), nf_conntrack_core.c __nf_conntrack_confirm(): both end in
a packet that is dropped and counted as insert_failed.
"""

from __future__ import annotations

from dataclasses import dataclass

from hosttune import releases
from hosttune.capacity import translation
from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Backend, Shared, Tracked
from hosttune.model.filtering import Packet, Ruleset, Translation
from hosttune.model.packets import met

FAILED = "conntrack.insert_failed"
WHERE = "ctnetlink, `conntrack -L --src-nat`"
APART = (
    "which of the two it is: `conntrack -S` twice: where the ports are used up, found rises many times for each "
    "insert_failed, in a race hardly; and the entries of one address and destination (`conntrack -L --src-nat -d "
    "ADDRESS | wc -l`) against the ports of the rule (`nft list ruleset`, `iptables -t nat -S`)"
)
_SEARCHED = 4
"""Ports that were found taken for each failure, at least: two equal packets at once fail without any such search."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many ports of a rule are in use of one address towards one destination."""

    address: str
    goal: Backend
    used: int
    rule: Translation

    @property
    def size(self) -> int:
        """The ports that the rule gives."""
        return translation.ports(self.rule)

    @property
    def tight(self) -> bool:
        """Say whether so many are in use that a search may find none: it gives up before it has seen all."""
        return self.used >= translation.first_loss(self.size)[0]

    def __str__(self) -> str:
        counts = f"{self.used:,} of the {self.size:,} ports that {self.rule.where} gives of {self.address}"
        return f"{counts} are in use towards {self.goal}, {saying.percent(self.used / self.size)}"


def shared(clues: Clues) -> tuple[Shared, ...]:
    """Return the entries of those who share an address, by destination, the most first."""
    return clues.tracked.shared if isinstance(clues.tracked, Tracked) else ()


def fullest(clues: Clues) -> Taken | None:
    """Return the part of the pools that is nearest to its end; None where rules or entries are not known."""
    if not isinstance(clues.ruleset, Ruleset):
        return None
    rows = [Taken(row.address, Backend(row.target, row.port), _used(clues, row, rule), rule)
            for row in shared(clues) for rule in _rules(clues.ruleset, row)]  # fmt: skip
    return max(rows, key=lambda row: row.used / row.size, default=None)


def searched(clues: Clues) -> bool:
    """Say whether ports were found taken, many for each failure: the search for a free one fails."""
    failed = clues.rates.rose(FAILED)
    return bool(failed) and clues.rates.rose("conntrack.found") >= failed * _SEARCHED


def _rules(ruleset: Ruleset, row: Shared) -> list[Translation]:
    goal = Packet(destination=row.target, port=row.port)
    rules = (rule for rule in ruleset.translations if translation.gives(rule, row.address))
    return [rule for rule in rules if met(rule.matching, goal) is not False]


def _used(clues: Clues, row: Shared, rule: Translation) -> int:
    """Return the ports in use: as they were listed, else as many as there are entries.

    Those of connections that are over count too where the kernel does not take them over.
    """
    listed = clues.translated if isinstance(clues.translated, tuple) else ()
    own = (t for t in listed if (t.address, t.target, t.port) == (row.address, row.target, row.port))
    found = next(own, None)
    if found is None:
        return row.entries
    kept = releases.holds(releases.named("nat-time-wait"), clues.machine.kernel) is not True
    return translation.taken(rule, found.open | (found.closed if kept else 0))
