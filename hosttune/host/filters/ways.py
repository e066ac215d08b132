"""What a rule does with the first packet of a TCP connection: one way, or one for each element of a map."""

from __future__ import annotations

from dataclasses import dataclass, field

from hosttune.host.filters.conditions import Match, anything

CONTINUE, ACCEPT, RETURN, JUMP, GOTO, QUEUE = "", "accept", "return", "jump", "goto", "queue"
DROP, REJECT = "drop", "reject"
REFUSALS = (DROP, REJECT)


@dataclass(slots=True)
class SourceNat:
    """A translation of the source: ranges of addresses (none: the interface's), of ports, and its flags."""

    addresses: list[list[str]] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    flags: int = 0


@dataclass(slots=True)
class Counting:
    """A count of connections: it holds `over` so many, or as long as there are no more, for each `by`."""

    limit: int
    over: bool
    by: str = ""


@dataclass(slots=True)
class Way:
    """What holds where it is taken, and then: a verdict, a chain to go to, a translation, a count, no tracking."""

    match: Match = field(default_factory=anything)
    verdict: str = CONTINUE
    chain: str = ""
    translation: SourceNat | None = None
    counting: Counting | None = None
    untracked: bool = False
