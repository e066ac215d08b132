"""What pools that are alike carry towards backends that are alike: a host that is planned, not one that is counted."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hosttune.capacity.bounds import churn, ports
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.sharing import Group
from hosttune.model import Bound, PortPool, Scope


def towards(facts: CapacityFacts, pools: Sequence[PortPool], backends: int, name: str) -> tuple[Bound, ...]:
    """Return the bounds of source ports and of TIME_WAIT where each of so many backends has such pools of its own.

    With bind() the pools are those of the source addresses, whatever the backend, and `backends` is 1.
    """
    group = Group(name, 4, tuple(pools), Fraction(1, backends))
    return (ports.of_group(facts, group), churn.of_groups(facts, (group,), name, Scope.BACKEND, name))
