"""What could this host carry: every bound in connections of the role, the smallest first, and what reaches more."""

from __future__ import annotations

import dataclasses

from hosttune import registry
from hosttune.capacity import keeping, logs, reaching, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.toward import towards
from hosttune.model import Bound, Remedy
from hosttune.model.programs import When, known_as

__all__ = ["CapacityFacts", "capacity", "more_sources", "order", "remedies", "towards", "with_log"]


_NEVER = 1 << 44
"""Connections whose sockets would take 64 PiB, more than x86 can address (Documentation/arch/x86/x86_64/mm.rst)."""

NO_BOUND = "no bound"


def capacity(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return all bounds: of connections, then of rates; those that are unknown, or do not limit, come last."""
    bounds = [
        b
        for name in registry.names("hosttune.capacity.bounds")
        for b in registry.load("hosttune.capacity.bounds", name).bounds(facts)
    ]
    return tuple(sorted((with_log(_or_none(bound), facts) for bound in bounds), key=order))


def _or_none(bound: Bound) -> Bound:
    """Return a bound that no memory could ever reach as none: fs.file-max is 2^63 - 1 where systemd has raised it."""
    if not isinstance(bound.hard, int) or bound.hard < _NEVER:
        return bound
    return dataclasses.replace(bound, hard=None, remedies=(), notes=(NO_BOUND, *bound.notes))


def remedies(facts: CapacityFacts) -> tuple[Remedy, ...]:
    """Return the shortest list of remedies that carries the workload's connections at its rate; empty where it does.

    Each value is the least: all of them together reach the target, and any of them one step lower does not. A step
    is one of the unit, or for a range and a switch what they are now. Bounds that are Unknown, or that nothing
    raises, need nothing here; `capacity` still shows them.
    """
    return reaching.merge(capacity(facts), facts)


def more_sources(facts: CapacityFacts, *, widest: bool, below_knee: bool) -> int | None:
    """Return how many source addresses more carry the workload through its pools; None where no number does.

    `widest`: with the widest range instead of the one now. `below_knee`: without that connect() slows first; None
    too in a bind mode that has no knee.
    """
    missing = tuples.sources(facts, widest, below_knee)
    return None if missing is None else sum(missing.values())


def with_log(bound: Bound, facts: CapacityFacts) -> Bound:
    """Return the bound with what the program that binds will write, before what the kernel does."""
    name = facts.dialler if bound.kind == "ports" else facts.program_name
    when: When = ""
    if bound.kind == "nofile":
        kept = keeping.keeps(facts)
        name, when = kept.program or name, kept.when
    line = logs.log_line(known_as(facts.programs, name), bound.kind, facts.workload.bind_mode, when)
    return dataclasses.replace(bound, log="; ".join(part for part in (line, bound.log) if part)) if line else bound


def order(bound: Bound) -> tuple[bool, bool, int, str]:
    """Return the key that sorts bounds: of connections, then of rates, the least first, the unknown last."""
    known = isinstance(bound.hard, int)
    return (bound.unit != "connections", not known, bound.hard if isinstance(bound.hard, int) else 0, bound.id)
