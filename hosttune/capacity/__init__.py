"""What could this host carry: every bound in connections of the role, the smallest first, and what reaches more."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hosttune import registry
from hosttune.capacity import keeping, logs, reaching, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.toward import towards
from hosttune.model import Bound, Remedy, Scope, Workload
from hosttune.model.programs import When, known_as

__all__ = [
    "OF_TUPLES",
    "CapacityFacts",
    "capacity",
    "more_sources",
    "order",
    "remedies",
    "short",
    "towards",
    "with_log",
]


_NEVER = 1 << 44
"""Connections whose sockets would take 64 PiB, more than x86 can address (Documentation/arch/x86/x86_64/mm.rst)."""

NO_BOUND = "no limit"


TUPLES = ("ports", "churn")
"""Kinds of bounds, and their modules, that are reckoned for each backend."""
OF_TUPLES = frozenset(
    f"sysctl:net.ipv4.{name}"
    for name in (
        *("ip_local_port_range", "ip_local_reserved_ports", "tcp_tw_reuse", "tcp_tw_reuse_delay"),
        *("tcp_timestamps", "tcp_max_tw_buckets"),
    )
)
"""The subjects that they go by, beside pools and workload."""


def capacity(facts: CapacityFacts, tuples_as: Sequence[Bound] = ()) -> tuple[Bound, ...]:
    """Return all bounds: of connections, then of rates; those that are unknown, or do not limit, come last.

    `tuples_as` are bounds of which those of TUPLES hold here too: of thousands of backends they take the time.
    """
    known = [bound for bound in tuples_as if bound.kind in TUPLES]
    bounds = [
        b
        for name in registry.names("hosttune.capacity.bounds")
        if not (known and name in TUPLES)
        for b in registry.load("hosttune.capacity.bounds", name).bounds(facts)
    ]
    return tuple(sorted((*(with_log(_or_none(bound), facts) for bound in bounds), *known), key=order))


def _or_none(bound: Bound) -> Bound:
    """Return a bound that no memory could ever reach as none: fs.file-max is 2^63 - 1 where systemd has raised it."""
    if not isinstance(bound.hard, int) or bound.hard < _NEVER:
        return bound
    return dataclasses.replace(bound, hard=None, remedies=(), notes=(NO_BOUND, *bound.notes))


def remedies(facts: CapacityFacts, bounds: Sequence[Bound] | None = None) -> tuple[Remedy, ...]:
    """Return the shortest list of remedies that carries the workload's connections at its rate; empty where it does.

    Each value is the least: all of them together reach the target, and any of them one step lower does not. A step
    is one of the unit, or for a range and a switch what they are now. Bounds that are Unknown, or that nothing
    raises, need nothing here; `capacity` still shows them. `bounds` are its answer, where that is known already.
    """
    return reaching.merge(capacity(facts) if bounds is None else bounds, facts)


def short(bound: Bound, workload: Workload) -> bool:
    """Say whether a bound is known, and below the target in its unit: it refuses, or slows."""
    return reaching.below(bound, workload)


def more_sources(facts: CapacityFacts, *, widest: bool, below_knee: bool) -> int | None:
    """Return how many source addresses more carry the workload through its pools; None where no number does.

    `widest`: with the widest range instead of the one now. `below_knee`: without that connect() slows first; None
    too in a bind mode that has no knee.
    """
    missing = tuples.sources(facts, widest, below_knee)
    return None if missing is None else sum(missing.values())


def with_log(bound: Bound, facts: CapacityFacts) -> Bound:
    """Return the bound with what the program that binds will write, before what the kernel does."""
    if bound.kind == "ports":
        return bound  # how its own pools are bound decides, which it knows
    section = bound.scope is Scope.SECTION
    line = facts.once(f"log {bound.kind} {section}", lambda: _line(bound.kind, section, facts))
    return dataclasses.replace(bound, log="; ".join(part for part in (line, bound.log) if part)) if line else bound


def _line(kind: str, section: bool, facts: CapacityFacts) -> str:
    # whose configuration limits something is who writes of it
    name = facts.dialler
    when: When = ""
    if kind == "nofile":
        kept = keeping.keeps(facts)
        name, when = kept.program or facts.program_name, kept.when
    elif kind == "maxconn":
        # beyond what its servers take a proxy keeps connections in a queue; beyond its own it takes none
        when = "met" if section else "silent"
    mode = facts.pools[0].mode if facts.pools else facts.workload.bind_mode
    return logs.log_line(known_as(facts.programs, name), kind, mode, when)


def order(bound: Bound) -> tuple[bool, bool, int, str]:
    """Return the key that sorts bounds: of connections, then of rates, the least first, the unknown last."""
    known = isinstance(bound.hard, int)
    return (bound.unit != "connections", not known, bound.hard if isinstance(bound.hard, int) else 0, bound.id)
