"""Tiers whose hosts exist: their bounds, from reports that were gathered or recordings that are examined now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hosttune.errors import UsageError
from hosttune.host import Host
from hosttune.model import Bound, Configuration, Programs, Reported, Tier, TierPlan, Topology
from hosttune.options import Options
from hosttune.planning import sizing
from hosttune.profile import load
from hosttune.programs import in_force
from hosttune.workflows import examine, finding, fleet_reports, opening


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
    share = plan.workload.connections
    return replace(reported, bounds=tuple(_for(share, reported.connections, bound) for bound in reported.bounds))


def _for(share: int, asked: int, bound: Bound) -> Bound:
    """Return a bound with what raises it to the tier's share, where its value is the connections that were asked for.

    Where it is not, it stays the one for what was asked for, and is left out where that is less.
    """
    remedies = [
        replace(remedy, value=share, text=remedy.text.replace(f" {asked}", f" {share}", 1))
        if remedy.value == asked
        else remedy
        for remedy in bound.remedies
        if remedy.value == asked or asked >= share
    ]
    return replace(bound, remedies=tuple(remedies))


def _examined(tier: Tier, plan: TierPlan, file: str) -> Reported:
    """Examine a recording for the tier's share, with the limits that the program which ran there sets itself."""
    host = opening.open_host("/", file)
    profile = load.load(tier.role, directories=opening.LOCAL)
    unit = f"{tier.program}.service" if tier.program else profile.service
    found = finding.Search(Options(role=(tier.role,))).found(host, None)
    programs = Programs(
        unit,
        ("root",),
        None,
        profile.service_raises_nofile and unit == profile.service,
        configuration=_configuration(host, found),
    )
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


def _configuration(host: Host, found: finding.Found) -> Configuration | None:
    """Return what a program was started with, as it was in force; where it leads to is the plan's to say."""
    if found.first is None or not isinstance(found.configuration, Configuration):
        return None
    configured, _ = in_force.of(host, found.configuration, found.first.pids)
    return replace(configured, sections=())
