"""What the packet filter of a network namespace does to connections: translates, counts, leaves untracked.

include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_nat_core.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hosttune.model.findings import Unknown


class Hook(StrEnum):
    """Where on a packet's way a rule is looked at; what this host itself sends passes output and postrouting."""

    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


@dataclass(frozen=True, slots=True)
class Matching:
    """Which packets a rule is about; what is empty is not asked.

    `protocols` are names ("tcp"), `sources` and `destinations` prefixes, `ports` ranges of destination ports and
    `source_ports` of the others, `enters` and `leaves` interfaces, of which one that ends in `*` stands for all that
    begin so. `marks` are (value, mask), `uids` ranges of users. `unknown` are conditions that decide too and were not
    understood, in the words of the ruleset: the rule then may or may not be met. What meets one of `excepts` does not
    get to the rule: earlier rules end its way there, or the rule says "not".
    """

    family: int | None = None
    protocols: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()
    source_ports: tuple[tuple[int, int], ...] = ()
    enters: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    marks: tuple[tuple[int, int], ...] = ()
    uids: tuple[tuple[int, int], ...] = ()
    unknown: tuple[str, ...] = ()
    excepts: tuple[Matching, ...] = ()


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a TCP connection as rules see it; None is not known, "" of an interface is none.

    What this host sends itself enters nowhere, and what it takes for itself leaves nowhere.
    """

    source: str | None = None
    destination: str | None = None
    port: int | None = None
    source_port: int | None = None
    enters: str | None = None
    leaves: str | None = None
    mark: int | None = None
    uid: int | None = None


@dataclass(frozen=True, slots=True)
class Translation:
    """A rule that gives connections another source address: masquerade or snat.

    `where` names it as an operator finds it again ("ip nat post handle 4"). `addresses` are ranges FIRST, LAST: none
    for that of the interface. `ports` is the range that it takes them from, None: the port stays where it is free, and
    else one of nf_nat_core.c's own ranges. `fully_random`, `random` and `persistent` are its flags: with one of the
    first two the port is never kept. `one_to_one`: each source has an address of its own in the range (NETMAP,
    `snat prefix`). The first translation of a ruleset that a connection meets is the one that it gets.
    """

    where: str
    matching: Matching
    hook: Hook = Hook.POSTROUTING
    addresses: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, int] | None = None
    fully_random: bool = False
    persistent: bool = False
    random: bool = False
    one_to_one: bool = False

    @property
    def masquerades(self) -> bool:
        """Whether it takes the address of the interface through which a packet leaves."""
        return not self.addresses


@dataclass(frozen=True, slots=True)
class CountRule:
    """A rule that lets so many connections be and refuses more (ct count, connlimit).

    `over` is the number that is carried, `by` what is counted apart: "" for all that meet the rule, "source" for each
    source address, "source/24" for each such prefix of them, "destination", "destination/24", and so on, in the words
    of the ruleset for anything else. `refuses` says how: "drop" or "reject".
    """

    where: str
    matching: Matching
    hook: Hook
    over: int
    by: str = ""
    refuses: str = "drop"


@dataclass(frozen=True, slots=True)
class Untracked:
    """A rule that keeps packets from being tracked (notrack)."""

    where: str
    matching: Matching
    hook: Hook


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What the rules of a network namespace come to.

    `tracks`: a rule has connection tracking at work, Unknown where that could not be told; `tracking` are such rules
    as an operator finds them, and `families` the families of addresses whose connections they have tracked. `others`
    are modules that are loaded and may track connections without a rule. `rules` is how many there are in all. `unread`
    says what parts of the rules could not be read, one sentence each.
    """

    translations: tuple[Translation, ...] = ()
    counts: tuple[CountRule, ...] = ()
    untracked: tuple[Untracked, ...] = ()
    tracks: bool | Unknown = False
    rules: int = 0
    unread: tuple[str, ...] = ()
    tracking: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Translated:
    """The ports in use of an address that translated connections leave with, towards one destination (conntrack).

    `own` are the ports of connections that the workload began, where its sources are known, else this host;
    `forwarded` those of others, and `closed` are kept of connections that are over: sets, in which bit p stands for
    port p.
    """

    address: str
    target: str
    port: int
    own: int = 0
    forwarded: int = 0
    closed: int = 0

    @property
    def open(self) -> int:
        """The ports of connections that are open."""
        return self.own | self.forwarded
