"""What could this host carry: every bound in connections of the role, the smallest first."""

from __future__ import annotations

from hosttune import registry
from hosttune.capacity._facts import CapacityFacts
from hosttune.model import Bound


def capacity(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return all bounds; those that could not be told, or do not limit, come last."""
    found = [b for name in registry.names(__name__) for b in registry.load(__name__, name).bounds(facts)]
    return tuple(sorted(found, key=_order))


def _order(bound: Bound) -> tuple[bool, int, str]:
    known = isinstance(bound.hard, int)
    return (not known, bound.hard if isinstance(bound.hard, int) else 0, bound.id)
