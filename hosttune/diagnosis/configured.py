"""The limits that a configuration was seen to set, and how much of each is taken now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Configuration, OwnLimit, Section
from hosttune.model.listening import endpoint

_SOCKET = "the program's admin socket"
_FLOWS = "sock_diag: connections to its servers"
_CARRIED = "/proc/PID/fd: what the program holds"


@dataclass(frozen=True, slots=True)
class Held:
    """A limit, or one that all servers of a section have: `limits` are theirs, `of` what they limit.

    `used` are the connections that count against it now, seen at `seen`; None where nobody could say. `waiting` are
    those that the program keeps in its queue.
    """

    limits: tuple[OwnLimit, ...]
    of: str
    used: int | None
    seen: str
    waiting: int = 0

    @property
    def reached(self) -> bool:
        """Say whether it lets nothing more through.

        What is seen from outside may be a little short, and threads that share a queue leave a place of it empty.
        """
        used = self.used or 0
        return used >= self.most or (bool(self.waiting or self.seen != _SOCKET) and saying.near(used, self.most))

    @property
    def limit(self) -> OwnLimit:
        return self.limits[0]

    @property
    def most(self) -> int:
        """The connections that it lets through."""
        return sum(limit.most for limit in self.limits)

    @property
    def name(self) -> str:
        """What people call it: `maxconn 150 of frontend f`, `maxconn 40 of each of the 2 servers of backend b`."""
        of = f" of {self.of}" if self.of else ""
        if len({limit.value for limit in self.limits}) > 1:
            return f"{self.limit.setting} {of.removeprefix(' ')}, {self.most:,} together"
        return f"{self.limit.setting} {self.limit.value:,}{of}"

    @property
    def where(self) -> str:
        """The line that sets it; a default has none."""
        return self.limit.where or "a default: no line sets it"

    def value_for(self, connections: int) -> int:
        """Return the least value that lets so many through."""
        return self.limit.value_for(-(-connections // len(self.limits)))


def held(clues: Clues) -> tuple[Held, ...]:
    """Return the limits of connections that the configuration sets, the fullest first; () where none was read."""
    configuration = clues.configuration
    if configuration is None:
        return ()
    carried = clues.carried if configuration.carried is None else configuration.carried
    seen = _CARRIED if configuration.carried is None else _SOCKET
    every = [_one(limit, limit.of, carried, seen) for limit in configuration.limits]
    entries = [entry for entry in configuration.entries if entry.leads or not configuration.sections]
    alone = carried if len(entries) == 1 else None
    every += [_one(limit, limit.of or entry.name, alone, seen) for entry in entries for limit in entry.limits]
    for section in configuration.sections:
        every += _of_section(clues, configuration, section)
    known = [own for own in every if own.limit.unit == "connections"]
    return tuple(sorted(known, key=lambda own: -(own.used or 0) / max(own.most, 1)))


def _one(limit: OwnLimit, of: str, used: int | None, seen: str) -> Held:
    if limit.used is not None:
        return Held((limit,), of, limit.used, _SOCKET, limit.waiting or 0)
    return Held((limit,), of, used, seen)


def _of_section(clues: Clues, configuration: Configuration, section: Section) -> Iterator[Held]:
    """Yield the limits of a section, and that of its servers where each has one: the rest of them take what is left."""
    flows = _flows(clues, configuration, section)
    yield from (_one(limit, limit.of or section.name, flows, _FLOWS) for limit in section.limits)
    limits = tuple(server.most for server in section.servers if server.most)
    if not limits or len(limits) < len(section.servers) + len(section.portless):
        return
    many = len(limits) > 1
    of = f"each of the {len(limits):,} servers of {section.name}" if many else f"the server of {section.name}"
    told = [limit.used for limit in limits if limit.used is not None]
    waiting = sum(limit.waiting or 0 for limit in limits)
    yield Held(limits, of, sum(told), _SOCKET, waiting) if told else Held(limits, of, flows, _FLOWS)


def _flows(clues: Clues, configuration: Configuration, section: Section) -> int | None:
    """Return the connections to the servers of a section, None where others lead to one of them too."""
    goals = Counter(key for own in configuration.sections for key in _goals(own))
    mine = _goals(section)
    if not clues.flows or any(goals[key] > 1 for key in mine):
        return None
    return sum(flow.established for flow in clues.flows if endpoint(flow.address, flow.port) in mine)


def _goals(section: Section) -> set[str]:
    return {str(server.backend) for server in section.servers}


def nearest(number: int, every: Sequence[Held]) -> Held | None:
    """Return the limit that lies nearest to a number."""
    return min(every, key=lambda own: abs(own.most - number), default=None)
