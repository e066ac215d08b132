"""Which of a role's connections are tracked, and how many entries of the table are its own.

net/netfilter/nf_conntrack_core.c, nf_conntrack_in(): a packet that a rule has marked untracked makes no entry. A
connection has none only if that is so in both directions: else the other one makes it (nf_conntrack_tcp_loose).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import PortPool, Reason, Unknown
from hosttune.model.filtering import Packet, Ruleset
from hosttune.model.packets import left_out

_FAMILIES = {False: socket.AF_INET, True: socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries that one connection of the role takes: where it is accepted, and where it is opened.

    Unknown where that is not known; the reason then says why.
    """

    accepted: int | Unknown
    opened: int | Unknown

    @property
    def each(self) -> int | Unknown:
        """Entries of a connection in all."""
        if isinstance(self.accepted, Unknown):
            return self.accepted
        return self.opened if isinstance(self.opened, Unknown) else self.accepted + self.opened


def entries(facts: CapacityFacts) -> Entries | Unknown:
    """Return what a connection takes in the table; Unknown where it is not known whether any is tracked here."""
    return facts.once("entries of conntrack", lambda: _entries(facts))


def _entries(facts: CapacityFacts) -> Entries | Unknown:
    tracks, load = facts.machine.conntrack, facts.workload
    if isinstance(tracks, Unknown):
        return tracks
    if load.forwards:
        return Entries(0, _side(facts, 1, _passed(facts), tracks))
    opened = load.tuples_per_connection
    accepted = load.entries_each - opened
    return Entries(_side(facts, accepted, _accepted(facts), tracks), _side(facts, opened, _opened(facts), tracks))


def own(facts: CapacityFacts) -> tuple[int, int]:
    """Return how many entries in the table are the role's own: the least that they are, and the most.

    It is what the role has open: towards its backends, and at the ports that the program listens on. What cannot be
    counted, for no backend or no program was named, may be any of them.
    """
    count, load, process = facts.tracked or 0, facts.workload, facts.process
    takes = entries(facts)
    if load.forwards:
        return count, count
    each = takes if isinstance(takes, Entries) else Entries(load.entries_each - load.tuples_per_connection, 1)
    held, known = 0, True
    if load.tuples_per_connection and each.opened != 0:
        pools = {(p.source, p.backend.address, p.backend.port): p.used for p in facts.pools}
        outgoing = sum(pools.values()) if pools else process.outgoing if process else None
        held, known = held + (outgoing or 0), outgoing is not None
    if load.entries_each > load.tuples_per_connection and each.accepted != 0:
        accepted = process.accepted if process else None
        held, known = held + (accepted or 0), known and accepted is not None
    held = max(held, facts.carried * load.entries_each if not known else 0)
    held = min(held, count)
    return held, held if known else count


def _side(facts: CapacityFacts, count: int, directions: Iterable[tuple[Packet, Packet]], tracks: bool) -> int | Unknown:
    """Return the entries of one side of a connection; `directions` are its packets there and back."""
    rules = facts.ruleset
    if not count or not tracks:
        return 0
    if not isinstance(rules, Ruleset):
        return count
    answers = {_tracked(rules, there, back) for there, back in directions}
    if answers == {False}:
        return 0
    if answers <= {True, False}:
        return count
    names = ", ".join(dict.fromkeys(rule.where for rule in rules.untracked))
    return Unknown(Reason.UNDECIDED, f"{names}: it holds for one direction alone, or may not hold")


def _tracked(rules: Ruleset, there: Packet, back: Packet) -> bool | None:
    """Say whether a connection has an entry, None where that is not known."""
    family = _family(there)
    if family is not None and rules.families and family not in rules.families:
        return False
    first, second = (left_out(rules, packet) for packet in (there, back))
    if first and second:
        return False
    return True if first is False and second is False else None


def _family(packet: Packet) -> int | None:
    address = packet.destination or packet.source
    return None if address is None else _FAMILIES[":" in address]


def _opened(facts: CapacityFacts) -> Iterator[tuple[Packet, Packet]]:
    """Yield the packets of the connections to the backends, there and back."""
    caller = facts.workload.caller
    ways = {(p.source, p.backend.address, p.backend.port, own) for p in facts.pools for own in _own_ports(facts, p)}
    for source, address, port, own in ways or [(*backend, None) for backend in _backends(facts)]:
        there = Packet(source or None, address, port, own, enters="", uid=caller.uid, mark=caller.mark)
        yield there, Packet(address, source or None, own, port, leaves="")
    if not ways and not facts.workload.backends:
        yield Packet(enters=""), Packet(leaves="")


def _own_ports(facts: CapacityFacts, pool: PortPool) -> set[int]:
    """Return ports of a pool that stand for all of it: no rule that keeps connections untracked tells others apart."""
    rules = facts.ruleset.untracked if isinstance(facts.ruleset, Ruleset) else ()
    spans = [span for rule in rules for span in (*rule.matching.ports, *rule.matching.source_ports)]
    edges = {edge for low, high in spans for edge in (low, high, high + 1) if pool.low < edge < pool.high}
    return {pool.low, pool.high, *edges}


def _backends(facts: CapacityFacts) -> Iterable[tuple[str, str, int]]:
    return [("", backend.address, backend.port) for backend in facts.workload.backends]


def _accepted(facts: CapacityFacts) -> Iterator[tuple[Packet, Packet]]:
    """Yield the packets of the connections that are accepted."""
    listeners = facts.process.listeners if facts.process else ()
    ports: set[int | None] = {listener.port for listener in listeners}
    for port in ports or {None}:
        yield Packet(port=port, leaves=""), Packet(source_port=port, enters="")


def _passed(facts: CapacityFacts) -> Iterator[tuple[Packet, Packet]]:
    """Yield the packets of the connections that a gateway passes on: both come in at prerouting."""
    for _, address, port in _backends(facts):
        yield Packet(destination=address, port=port), Packet(source=address, source_port=port)
    if not facts.workload.backends:
        yield Packet(), Packet()
