"""One tier at the target: the workload of a host, its bounds, the pools of its hops."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from hosttune.capacity import CapacityFacts, capacity, closing, footprint, order
from hosttune.capacity.bounds import cloud, conntrack
from hosttune.model import (
    BindMode,
    Bound,
    Hop,
    Machine,
    Reading,
    Reason,
    Scope,
    Setting,
    Subject,
    Tier,
    TierPlan,
    Topology,
    Unknown,
    Workload,
)
from hosttune.model.programs import known_as
from hosttune.planning.sizing import hop_demand
from hosttune.planning.sizing.role import Readings, Role
from hosttune.ports import mask_of, text_of

_ENTRY = 256 + 8
"""Bytes of a tracked connection: nf_conn's slab object and its bucket (net/netfilter/nf_conntrack_core.c)."""

PAGE = 4096
"""Bytes of a page of a host that is planned: that of x86, and of most kernels of arm64."""

_RESERVED = "sysctl:net.ipv4.ip_local_reserved_ports"
_OF_HOPS, _MEMORY = ("ports", "churn"), ("memory", "kernel-memory")
_GIVEN = frozenset({"nr-open", "file-max", "epoll-watches", "conntrack", "tcp-mem", "maxconn", "cloud"})
"""Bounds of settings that a planned host is given as it needs them, and of clouds, which are told apart."""


def plan(topology: Topology, tier: Tier, role: Role, demand: Fraction) -> TierPlan:
    """Return what a tier comes to; `demand` are its connections at the target. Numbers that are open count as none."""
    serving = tier.serving or 1
    machine = _machine(tier)
    load = _workload(topology, tier, role, demand)
    notes: list[str] = []
    load = dataclasses.replace(load, bind_mode=_mode(tier, role, notes))
    readings = dict(role.readings(machine))
    facts = _facts(topology, tier, role, load, machine, demand, readings)
    hops = tuple(
        hop_demand.hop(topology, tier, leg, demand, load.bind_mode, readings)
        for leg in hop_demand.legs(tier, load.bind_mode)
    )
    bounds = [_shared(bound, tier, facts) for bound in capacity(facts) if _is_planned(bound, tier)]
    for hop, leg in zip(hops, hop_demand.legs(tier, load.bind_mode), strict=True):
        bounds += hop_demand.bounds(facts, hop, leg)
    bounds += [*_cap(tier), *_cloud(tier, load, role)]
    rate = topology.rate * demand / topology.connections
    return TierPlan(
        tier=tier,
        connections=math.ceil(demand),
        rate=math.ceil(rate),
        factor=demand / topology.connections,
        workload=load,
        machine=machine,
        bounds=tuple(sorted(bounds, key=order)),
        hops=hops,
        settings=(*_own(tier, hops, role.wants(load, machine, tier.processes)), *_takes(topology, tier, facts, demand)),
        notes=tuple(notes) if serving else (),
    )


def _own(tier: Tier, hops: tuple[Hop, ...], settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """Return what a role asks for with the ports that the topology gives the tier: the plan counts on just these."""
    own: dict[str, Setting] = {}
    if tier.port_range and not tier.forwards:
        own[hop_demand.RANGE] = Setting(
            hop_demand.RANGE, tier.port_range, "ports", "the plan counts on just these ports", "equals"
        )
    asked = next((str(s.value) for s in settings if s.subject == _RESERVED), "")
    listening = ",".join(str(port) for hop in hops for port in hop.listening)
    reserved = mask_of(tier.reserved_ports) | mask_of(listening)
    if reserved:
        reserved |= mask_of(asked)
        why = "the plan leaves these out, so that no outgoing connection takes the port of a service"
        own[_RESERVED] = Setting(_RESERVED, text_of(reserved), "ports", why, "covers")
    return (*(s for s in settings if s.subject not in own), *own.values())


def _takes(topology: Topology, tier: Tier, facts: CapacityFacts, demand: Fraction) -> tuple[Setting, ...]:
    """Return what no setting gives: memory, and source addresses."""
    each = footprint.footprint(facts)
    total = each.total + _entries(tier, facts.workload)
    beside = fan_out_pages(topology, tier, demand) * PAGE + _closed(tier, facts)
    memory = facts.workload.connections * total + beside + tier.memory_kept
    settings = [Setting("memory", memory, "bytes", f"{total:,} bytes a connection, idle; {each.why}")]
    if (tier.sources or 1) > 1:
        settings.append(Setting("sources", tier.sources or 0, "source addresses", "each has source ports of its own"))
    return tuple(settings)


def _machine(tier: Tier) -> Machine:
    untold = Unknown(Reason.UNDECIDED, f"whether {tier.name} tracks connections is not in the topology")
    return Machine(
        hostname=tier.name,
        distribution="",
        version="",
        pretty="",
        kernel="",
        cpus=tier.cores,
        memory=tier.memory,
        memory_available=tier.memory - tier.memory_kept if tier.memory is not None else None,
        virtualisation="",
        cloud=tier.cloud,
        container="",
        conntrack=tier.forwards or (untold if tier.conntrack is None else tier.conntrack),
        systemd=True,
        root_user=True,
        network_namespace="",
        addresses=tier.addresses,
        page_size=PAGE,
    )


def _workload(topology: Topology, tier: Tier, role: Role, demand: Fraction) -> Workload:
    """Return the share of one host; rounded up, for the last connection has to go somewhere."""
    serving = tier.serving or 1
    sockets = 0 if tier.forwards else (0 if tier in topology.first else 1) + tier.outgoing
    rate = topology.rate * demand / topology.connections / serving
    chosen = {
        name: value for name in ("backlog", "stall", "application_memory") if (value := getattr(tier, name)) is not None
    }
    return dataclasses.replace(
        role.defaults,
        connections=max(math.ceil(demand / serving), 1),
        rate=max(math.ceil(rate), 1),
        hold=topology.hold,
        sockets_per_connection=sockets,
        descriptors_per_connection=sockets,
        tuples_per_connection=0 if tier.forwards else tier.outgoing,
        **chosen,
    )


def _mode(tier: Tier, role: Role, notes: list[str]) -> BindMode:
    """Return how the tier's program gets its ports: as given, as its program is known to, else as the role has it."""
    if tier.forwards:
        return role.defaults.bind_mode
    if tier.bind_mode is not None:
        return tier.bind_mode
    if known_as(role.programs, tier.program).traits.binds_first.value:
        return BindMode.BIND
    mode = role.defaults.bind_mode
    if mode is BindMode.CONNECT and tier.sources != 1 and tier.to:
        notes.append(
            "taken to bind to its source addresses before it connects, which shares their ports among all backends: "
            "give bind_mode where it does otherwise"
        )
        return BindMode.BIND
    return mode


def _facts(
    topology: Topology,
    tier: Tier,
    role: Role,
    load: Workload,
    machine: Machine,
    demand: Fraction,
    readings: Readings,
) -> CapacityFacts:
    name = f"unit/{tier.program}.service" if tier.program else "service"
    most = readings["sysctl:fs.nr_open"].runtime if "sysctl:fs.nr_open" in readings else None
    limit = tier.nofile if tier.nofile is not None else most if isinstance(most, int) else None
    nofile = Reading(Subject("nofile", name), (limit, limit), (limit, limit)) if limit is not None else None
    facts = CapacityFacts(
        readings=readings,
        pools=(),
        workload=load,
        machine=machine,
        nofile=nofile,
        program=tier.program,
        programs=role.programs,
    )
    beside = fan_out_pages(topology, tier, demand) * PAGE + _closed(tier, facts)
    if machine.memory_available is None or not beside:
        return facts
    left = max(machine.memory_available - beside, 0)
    return dataclasses.replace(facts, machine=dataclasses.replace(machine, memory_available=left))


def _entries(tier: Tier, load: Workload) -> int:
    """Return the bytes of a connection's entries in the table: one on each side of a proxy."""
    return _ENTRY * load.sockets_per_connection if tier.conntrack else 0  # one that is passed on counts them itself


def _closed(tier: Tier, facts: CapacityFacts) -> int:
    """Return the bytes of the entries that closed connections keep at the target load."""
    if not tier.conntrack:
        return 0
    sides = Fraction(facts.workload.entries_each)
    return _ENTRY * closing.kept(facts.workload, facts.workload.connections, conntrack.kept_for(facts), sides)


def fan_out_pages(topology: Topology, tier: Tier, demand: Fraction) -> int:
    """Return the pages of tcp_mem on one host while a message to `fan_out` devices waits in its queues, one each."""
    message = topology.message
    if not message.fan_out or not message.size or not tier.serving:
        return 0
    share = min(Fraction(message.fan_out, topology.connections), Fraction(1))
    return math.ceil(demand / tier.serving * share) * footprint.pages(message.size, PAGE)


def _is_planned(bound: Bound, tier: Tier) -> bool:
    """Leave out pools, which come of the hops, and what a planned host is given as it needs it."""
    if bound.kind in _OF_HOPS or bound.kind in _GIVEN:
        return False
    return bound.kind != "nofile" or tier.nofile is not None


def _shared(bound: Bound, tier: Tier, facts: CapacityFacts) -> Bound:
    """Return a bound of one process as that of the host's, which share the connections; memory with what tracks."""
    if bound.kind == "nofile" and isinstance(bound.hard, int) and tier.processes > 1:
        note = f"{tier.processes:,} processes of {bound.hard:,} connections each"
        return dataclasses.replace(bound, hard=bound.hard * tier.processes, remedies=(), notes=(*bound.notes, note))
    if bound.kind in _MEMORY and tier.memory is None:
        return dataclasses.replace(bound, hard=Unknown(Reason.UNDECIDED, "the topology does not give it"))
    entries, free = _entries(tier, facts.workload), facts.machine.memory_available
    if bound.kind in _MEMORY and entries and free is not None:
        total = footprint.footprint(facts).total + entries
        reads = f"MemAvailable, {total:,} bytes a connection idle, {entries:,} of them its entries of conntrack"
        return dataclasses.replace(bound, hard=free // total, reads=reads, remedies=())
    return dataclasses.replace(bound, remedies=())


def _cap(tier: Tier) -> list[Bound]:
    if tier.connections_max is None:
        return []
    fails = "as its own limit has it: no setting of the host is it"
    return [Bound("cap", f"connections_max of {tier.name}", tier.connections_max, reads="the topology", fails=fails)]


def _cloud(tier: Tier, load: Workload, role: Role) -> list[Bound]:
    """Return what a provider tracks: as the topology says, else as it is published; an own figure comes first."""
    who, most, reads = cloud.published(role.clouds, tier.cloud, tier.cores) or ("", None, "")
    name = f"connections that {who} tracks, as published"
    if tier.tracked_max is not None:
        name, most, reads = "connections that the cloud tracks", tier.tracked_max, "tracked_max of the topology"
    if most is None:
        return []
    fails = "no errno: packets of new connections are dropped outside of this machine"
    return [
        Bound("cloud", name, most // (load.sockets_per_connection or 2), reads=reads, fails=fails, scope=Scope.OUTSIDE)
    ]
