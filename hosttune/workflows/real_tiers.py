"""Tiers whose hosts exist: their bounds, from reports that were gathered or recordings that are examined now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hosttune.errors import UsageError
from hosttune.model import Bound, Programs, Reported, Tier, TierPlan, Topology
from hosttune.planning import sizing
from hosttune.profile import load
from hosttune.workflows import examine, fleet_reports, opening


def bounds(topology: Topology, roles: Mapping[str, sizing.Role]) -> dict[str, tuple[Bound, ...]]:
    """Return by tier the bounds of its weakest hosts; raises UsageError where a file is none, or of another load."""
    real = [tier for tier in topology.tiers if tier.reports or tier.snapshots]
    if not real:
        return {}
    planned = sizing.size(topology, roles)
    weakest = {}
    for tier in real:
        plan = planned.plan(tier.name)
        reported = [_report(topology, tier, plan, file) for file in tier.reports]
        reported += [_examined(tier, plan, file) for file in tier.snapshots]
        weakest[tier.name] = sizing.weakest(reported)
    return weakest


def _report(topology: Topology, tier: Tier, plan: TierPlan, file: str) -> Reported:
    reported = fleet_reports.read(Path(file))
    want = plan.workload.sockets_per_connection
    if reported.sockets != want:
        raise UsageError(
            f"{topology.origin}: [tier.{tier.name}]: reports: {file} counts {reported.sockets} sockets a connection, "
            f"the tier has {want}; check that host with --role {tier.role}"
        )
    return reported


def _examined(tier: Tier, plan: TierPlan, file: str) -> Reported:
    """Examine a recording for the tier's share."""
    host = opening.open_host("/", file)
    profile = load.load(tier.role, directories=opening.LOCAL)
    unit = f"{tier.program}.service" if tier.program else profile.service
    programs = Programs(unit, ("root",), None, profile.service_raises_nofile and unit == profile.service)
    report = examine.examine(host, [profile], plan.workload, programs, "")
    return Reported(
        file=file,
        name=report.machine.hostname or Path(file).stem,
        roles=report.roles,
        addresses=report.machine.addresses,
        connections=plan.workload.connections,
        sockets=plan.workload.sockets_per_connection,
        rate=plan.workload.rate,
        bounds=report.bounds,
    )
