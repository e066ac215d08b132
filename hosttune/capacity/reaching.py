"""Backwards from the target: the shortest list of remedies that carries the workload."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Remedy, Workload


def limit(bound: Bound) -> int | None:
    """Return where a bound ends what is carried: it refuses, or where it refuses nothing it slows; None if neither."""
    if isinstance(bound.hard, int):
        return bound.hard
    return bound.knee if bound.hard is None else None


def below(bound: Bound, workload: Workload) -> bool:
    """Say whether a bound is known, and below the target in its unit."""
    most = limit(bound)
    return most is not None and most < (workload.rate if bound.unit == "connections/s" else workload.connections)


def merge(bounds: Iterable[Bound], facts: CapacityFacts) -> tuple[Remedy, ...]:
    """Return the remedies of all bounds below the workload, in their order: of each subject the greatest."""
    remedies: dict[str, Remedy] = {}
    for bound in bounds:
        for need in bound.remedies if below(bound, facts.workload) else ():
            known = remedies.get(need.subject)
            remedies[need.subject] = need if known is None or _more(need, known) else known
    return tuple(remedies.values())


def _more(need: Remedy, known: Remedy) -> bool:
    """Say whether one need of a subject is the greater; values of a subject are of one kind."""
    if isinstance(need.value, int) and isinstance(known.value, int):
        return need.value > known.value
    return str(need.value) > str(known.value)
