"""Every host of a plan by name and address, with the pairs of source and backend that it uses."""

from __future__ import annotations

import dataclasses

from hosttune.errors import UsageError
from hosttune.model import Backend, BindMode, Deployment, Pair, PlannedHost, Sizing, Tier, TierPlan, Topology
from hosttune.model.programs import KnownProgram
from hosttune.planning.sizing import flow


def deploy(sizing: Sizing, programs: tuple[KnownProgram, ...]) -> Deployment:
    """Return the hosts of a sizing; raises UsageError where the topology does not name the addresses it takes."""
    topology = sizing.topology
    for plan in sizing.tiers:
        _check(topology, plan)
    return Deployment(sizing, tuple(h for plan in sizing.tiers for h in _hosts(topology, plan)), programs)


def _check(topology: Topology, plan: TierPlan) -> None:
    tier = plan.tier
    where = f"{topology.origin or topology.name}: [tier.{tier.name}]"
    if tier.reports or tier.snapshots:
        raise UsageError(f"{where}: reports, snapshots: configurations are written for planned hosts; give addresses")
    if len(tier.addresses) < (tier.hosts or 0):
        raise UsageError(
            f"{where}: addresses: {len(tier.addresses):,} of {tier.hosts:,} hosts; name all, configurations need them"
        )
    extra = _extra(tier) * (tier.hosts or 0)
    if tier.to and len(tier.source_addresses) < extra:
        raise UsageError(
            f"{where}: source_addresses: {len(tier.source_addresses):,} of {extra:,} that the hosts dial from; "
            "name all (`hosttune sources plan` finds free ones)"
        )


def _extra(tier: Tier) -> int:
    """Return the addresses that a host dials from beside its own: all of them where it has more than one."""
    return tier.sources or 0 if (tier.sources or 1) > 1 else 0


def _hosts(topology: Topology, plan: TierPlan) -> list[PlannedHost]:
    tier, hosts = plan.tier, []
    each = _extra(tier)
    for index in range(tier.hosts or 0):
        address = tier.addresses[index]
        extra = tier.source_addresses[index * each : (index + 1) * each] if tier.to else ()
        sources = (extra or (address,)) if tier.to else ()
        pairs = _pairs(topology, tier, sources, plan.workload.bind_mode)
        backends = tuple(dict.fromkeys(pair.backend for pair in pairs))
        load = dataclasses.replace(
            plan.workload,
            backends=backends,
            sources=() if any(b.sources for b in backends) else sources,
            bind_range=_bind_range(tier, plan.workload.bind_mode),
        )
        hosts.append(
            PlannedHost(
                name=f"{tier.name}-{index + 1}",
                tier=tier,
                address=address,
                ports=tier.ports,
                sources=sources,
                extra=tuple(a for a in extra if a != address),
                pairs=pairs,
                workload=load,
                settings=plan.settings,
            )
        )
    return hosts


def _bind_range(tier: Tier, mode: BindMode) -> tuple[int, int] | None:
    return tier.port_range if mode is BindMode.EXPLICIT else None


def _pairs(topology: Topology, tier: Tier, sources: tuple[str, ...], mode: BindMode) -> tuple[Pair, ...]:
    """Return (source, backend) for each backend in turn; those that use only some of the sources share them around."""
    each = len(sources) if mode is BindMode.BIND else min(tier.sources_each or len(sources), len(sources))
    pairs: list[Pair] = []
    number = 0
    for leg in tier.to:
        for name in flow.ends(topology, leg):
            behind = topology.tier(name)
            for index, address in enumerate(behind.addresses[: behind.hosts]):
                for port in behind.ports:
                    mine = tuple(sources[(number * each + i) % len(sources)] for i in range(each))
                    own = mine if each < len(sources) else ()
                    backend = Backend(address, port, f"{name}-{index + 1}", own)
                    pairs.extend(Pair(source, backend, name) for source in mine)
                    number += 1
    return tuple(pairs)
