"""Read a topology and size it, or find the numbers that it leaves open."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hosttune import printable
from hosttune.errors import UsageError
from hosttune.model import Sizing, Topology
from hosttune.model.progress import Step
from hosttune.planning import sizing
from hosttune.planning.topology import load
from hosttune.workflows import opening, real_tiers, role_settings, telling, trust


def plan(topology: str, overrides: Sequence[str], solve: bool, trusted: bool) -> Sizing:
    """Return the sizing; raises UsageError, TopologyError or ProfileError.

    With `trusted` also RefusedError, for a file that others than root can write: what is made of it is for root.
    """
    if not topology:
        raise UsageError(
            f"TOPOLOGY: give a file, or one that is built in: {', '.join(load.names())}; --example prints that"
        )
    with trust.writing(trusted):
        return _size(topology, overrides, solve)


def _size(file: str, overrides: Sequence[str], solve: bool) -> Sizing:
    topology = load.load(file, tuple(overrides), opening.LOCAL, trust.weigh)
    roles = role_settings.of(topology)
    left = [f"{tier.name}.{name}" for tier in topology.tiers for name in sorted(tier.open)]
    if left and not solve:
        raise UsageError(f"{file}: {left[0]}: to be found; add --solve, or give a number with --set")
    if solve and not left:
        raise UsageError(f"--solve: {file} leaves no number open; open some: {' '.join(_openings(topology))}")
    if solve:
        with telling.during(Step(f"finding {len(left)} number{'s' * (len(left) != 1)}")):
            topology = sizing.solve(topology, roles)
    real = real_tiers.bounds(topology, roles)
    return dataclasses.replace(sizing.size(topology, roles, real), solved=solve)


def _openings(topology: Topology) -> list[str]:
    """Return the options that open what --solve is mostly asked for."""
    names = [f"{t.name}.hosts" for t in topology.tiers] + [f"{t.name}.sources" for t in topology.tiers if t.to]
    return [f"--set {printable.word(f'{name}=?')}" for name in names]
