"""What source NAT leaves of the port pools: the connections of a host share the ports of the addresses it gives them.

Connections from several sources that are given one address share its ports towards a destination, and so do those that
this host forwards for others (net/netfilter/nf_nat_core.c).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hosttune.capacity import sharing, translation
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Backend, BindMode, PortPool
from hosttune.model.filtering import Packet, Ruleset, Translated, Translation


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A port pool as NAT leaves it, with the rule that does so; the pool as it is where none does.

    `why` is what could not be told of whether the rule applies, "" where it surely does. `address` is the one that its
    connections are given, "" where it is not known which; `others` are its ports that connections of others have.
    """

    pool: PortPool
    rule: Translation | None = None
    why: str = ""
    address: str = ""
    others: int = 0


def packet(facts: CapacityFacts, pool: PortPool) -> Packet:
    """Return the first packet of a connection of a pool, as the rules of this host see it."""
    load, backend = facts.workload, pool.backend
    source = pool.source if pool.source not in ("", "0.0.0.0", "::") else None
    leaves = facts.egress.get(str(backend))
    return Packet(source, backend.address, backend.port, None, "", leaves, load.caller.mark, load.caller.uid)


def least(facts: CapacityFacts) -> tuple[Narrowed, ...]:
    """Return what NAT leaves of each pool at least, where a rule that may apply does."""
    return facts.once("nat least", lambda: tuple(_narrowed(facts, worst=True)))


def most(facts: CapacityFacts) -> tuple[Narrowed, ...]:
    """Return what NAT leaves of each pool at most."""
    return facts.once("nat most", lambda: tuple(_narrowed(facts, worst=False)))


def narrows(facts: CapacityFacts) -> bool:
    """Say whether NAT leaves any pool less than it has, or lets SYNs be lost before it is full."""
    return any(narrowed.rule is not None for narrowed in least(facts))


def total(facts: CapacityFacts) -> tuple[int, int] | None:
    """Return what all pools together carry through NAT, at least and at most; None where it narrows none."""
    if not facts.pools or not narrows(facts):
        return None
    return _whole(facts, least(facts)), _whole(facts, most(facts))


def _whole(facts: CapacityFacts, narrowed: Sequence[Narrowed]) -> int:
    groups = sharing.groups(facts, [each.pool for each in narrowed])
    per = max(facts.workload.tuples_per_connection, 1)
    return sharing.total(facts, groups, [int(group.fills / group.part / per) for group in groups])


def _narrowed(facts: CapacityFacts, worst: bool) -> Iterator[Narrowed]:
    """Yield each pool as NAT leaves it; of those that share an address the first take its ports first."""
    if not isinstance(facts.ruleset, Ruleset) or not facts.ruleset.translations:
        yield from (Narrowed(pool) for pool in facts.pools)
        return
    left: dict[tuple[str, str, Backend], tuple[int, int]] = {}
    rooms: dict[tuple[str, str, Backend], int] = {}
    sources: dict[tuple[str, str, Backend], set[str]] = {}
    chosen = [(pool, _choose(facts, facts.ruleset, pool, worst)) for pool in facts.pools]
    for pool, (rule, _) in chosen:
        if rule is not None:
            key = _key(rule, pool)
            rooms[key] = rooms.get(key, 0) + sharing.room(pool)
            sources.setdefault(key, set()).add(pool.source)
    for pool, (rule, why) in chosen:
        if rule is None:
            yield Narrowed(_carrying(pool, sharing.room(pool), sharing.room(pool)))
            continue
        key, others = _key(rule, pool), _others(facts, rule, pool)
        has, calm = _ports(rule, pool, worst, alone=len(sources[key]) == 1)
        whole = left.get(key, (max(has - others, 0), max(calm - others, 0)))
        room = sharing.room(pool)
        mine = (min(room, whole[0]), min(room, whole[1]))
        left[key] = (whole[0] - mine[0], whole[1] - mine[1])
        if max(calm - others, 0) >= rooms[key]:
            yield Narrowed(_carrying(pool, room, room))
        else:
            yield Narrowed(_carrying(pool, *mine), rule, why, key[1], others)


def _key(rule: Translation, pool: PortPool) -> tuple[str, str, Backend]:
    address = translation.address(rule, pool.source, pool.backend.address)
    return rule.where, address or "", dataclasses.replace(pool.backend, name="", sources=())


def _ports(rule: Translation, pool: PortPool, worst: bool, alone: bool = True) -> tuple[int, int]:
    """Return the ports that a rule gives connections of a pool, and how many are taken when a SYN may be lost.

    Of one source that is `alone` each connection has a port of its own already, and keeps it where the rule lets it.
    """
    addresses = 1
    if not worst and translation.address(rule, pool.source, pool.backend.address) is None:
        addresses = translation.count(rule)
    ports = translation.ports(rule)
    calm = ports if alone and translation.keeps(rule) else translation.first_loss(ports)[0]
    return ports * addresses, calm * addresses


def _choose(facts: CapacityFacts, ruleset: Ruleset, pool: PortPool, worst: bool) -> tuple[Translation | None, str]:
    """Return the rule that leaves a pool the least, or the most, of those that it may meet."""
    outcomes = translation.outcomes(ruleset, packet(facts, pool))
    by_room = sorted(outcomes, key=lambda outcome: _ports(outcome.rule, pool, worst)[0] if outcome.rule else 1 << 40)
    outcome = by_room[0 if worst else -1]
    rule = outcome.rule if outcome.rule is None or not outcome.rule.one_to_one else None
    return rule, outcome.why


def _others(facts: CapacityFacts, rule: Translation, pool: PortPool) -> int:
    """Return the ports that others' connections have of what this pool's are given: forwarded, of another source."""
    return sum(translation.taken(rule, row.forwarded) for row in rows(facts, rule, pool))


def rows(facts: CapacityFacts, rule: Translation, pool: PortPool) -> Iterator[Translated]:
    """Yield what is in use of the addresses that a rule gives, towards the backend of a pool."""
    address = translation.address(rule, pool.source, pool.backend.address)
    leaves = facts.routed.get(pool.backend.address) if rule.masquerades else None
    for row in facts.translated if isinstance(facts.translated, tuple) else ():
        if leaves and row.address != leaves:
            continue
        if (row.target, row.port) != (pool.backend.address, pool.backend.port):
            continue
        if translation.gives(rule, row.address) and address in ("", None, row.address):
            yield row


def _carrying(pool: PortPool, room: int, calm: int) -> PortPool:
    """Return a pool that has so much room, of which the first so many connections lose no SYN."""
    return dataclasses.replace(
        pool,
        mode=BindMode.CONNECT,
        usable=room,
        usable_most=room,
        established=0,
        time_wait=0,
        other=0,
        free=room,
        free_most=room,
        knee=calm,
    )
