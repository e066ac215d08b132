"""Whether a topology can be planned at all: the first thing that stands against it, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hosttune import ports
from hosttune.model.capacity import Workload
from hosttune.model.topology import Tier, Topology
from hosttune.planning.topology import addresses, graph, keys

MOST_CONNECTIONS = 100_000_000
"""A hundred times the white paper's. Beyond it the kernel's memory for the sockets of one proxying tier alone is more
than 800 GB (4.2 kB a socket, two sockets a connection), and nothing that predictions rest on was ever measured there.
"""
_LEAST_NOFILE = 64
"""Fewer descriptors than BITS_PER_LONG are no limit that a server starts with (sysctl_nr_open_min, fs/file.c)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and how to fix it: `tier` "" is the topology itself, `keys` are those to blame, worst first.

    `others` are keys of other tiers that could be to blame as well.
    """

    tier: str
    keys: tuple[str, ...]
    text: str
    others: tuple[tuple[str, str], ...] = ()

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Every tier and key that could be to blame."""
        return (*((self.tier, key) for key in self.keys or ("",)), *self.others)


def problem(topology: Topology, workloads: Mapping[str, Workload]) -> Problem | None:
    """Return the first problem of a topology, None where it has none; `workloads` are the defaults of each role."""
    return next(_all(topology, workloads), None)


def _all(topology: Topology, workloads: Mapping[str, Workload]) -> Iterator[Problem]:
    yield from _target(topology)
    yield from _shape(topology)
    for tier in topology.tiers:
        yield from _path(topology, tier, workloads[tier.role])
        for check in _CHECKS:
            yield from (Problem(tier.name, blamed, text) for blamed, text in check(tier))
        yield from _descriptors(tier, workloads[tier.role])
    yield from _shares(topology)
    yield from _addresses(topology)
    yield from _families(topology)


def _target(topology: Topology) -> Iterator[Problem]:
    wanted = topology.connections
    if wanted < 1:
        yield Problem("", ("connections",), "the target is no connections; write how many")
    if wanted > MOST_CONNECTIONS:
        text = f"{wanted:,} connections are beyond what is planned for; at most {MOST_CONNECTIONS:,}"
        yield Problem("", ("connections",), text)
    if not topology.tiers:
        text = "there is no tier; write one table a tier, [tier.client], [tier.lb], [tier.broker]"
        yield Problem("", (), text)


def _shape(topology: Topology) -> Iterator[Problem]:
    names = tuple(tier.name for tier in topology.tiers)
    for tier in topology.tiers:
        for name in graph.targets(tier):
            if name not in names:
                yield Problem(tier.name, ("to",), f"no tier {name!r}; {keys.nearest(name, names)}")
    circle = graph.cycle(topology.tiers)
    if circle:
        text = f"goes in a circle: {' -> '.join(circle)}; connections have to end somewhere, take one of these out"
        yield Problem(circle[0], ("to",), text, tuple((name, "to") for name in circle))
    for tier in topology.first:
        if not graph.targets(tier):
            others = len(names) > 1
            fault = (
                "nothing connects to it and it connects to nothing"
                if others
                else "connections begin here, and it connects to nothing"
            )
            fix = (
                'write to = ["NAME"] here or its name in another tier\'s'
                if others
                else 'write to = ["NAME"] and a table [tier.NAME]'
            )
            yield Problem(tier.name, ("to",), f"{fault}; {fix}{', or leave it out' if others else ''}")


def _path(topology: Topology, tier: Tier, workload: Workload) -> Iterator[Problem]:
    if (workload.tuples_per_connection or tier.forwards) and not graph.targets(tier):
        text = (
            f"the role {tier.role} connects onward, and no outgoing path is given; "
            'write to = ["NAME"], or a role that only accepts, such as broker'
        )
        yield Problem(tier.name, ("to",), text)
    inbound = topology.inbound(tier.name)
    if tier.forwards and (not inbound or any(leg.per > 1 for leg in tier.to)):
        text = f"the role {tier.role} passes on what others open, one for one; write its name in another tier's to"
        yield Problem(tier.name, ("to",), text)
    if inbound and not tier.ports and not tier.forwards:
        yield Problem(tier.name, ("ports",), f"{inbound[0]} connects to it and no port is given; write ports = [1883]")
    if inbound and tier.connections is not None:
        text = f"{inbound[0]} connects to it, which says how many; write connections on first tiers only"
        yield Problem(tier.name, ("connections",), text)


Faults = Iterator[tuple[tuple[str, ...], str]]


def _hosts(tier: Tier) -> Faults:
    if tier.hosts is None and "hosts" not in tier.open:
        yield ("hosts",), 'missing; write how many hosts there are, their addresses, or hosts = "?" for --solve'
    if tier.hosts is None:
        return
    if tier.hosts < 1:
        yield ("hosts",), 'zero hosts handle no connection; write 1 or more, or hosts = "?" for --solve'
    if tier.spare >= tier.hosts:
        text = f"{tier.spare:,} of {tier.hosts:,} may fail, which leaves none; write fewer, or more hosts"
        yield ("spare", "hosts"), text
    known = len(tier.addresses)
    if known and tier.hosts > known:
        given = keys.many(known, "address", "addresses")
        yield ("hosts", "addresses"), f"{tier.hosts:,} hosts but {given}; add some, or leave all of them out"


def _files(tier: Tier) -> Faults:
    if tier.reports and tier.snapshots:
        yield ("snapshots", "reports"), "reports and snapshots both stand for the hosts; leave one of them out"
    for key in ("reports", "snapshots"):
        count = len(getattr(tier, key))
        if count and "hosts" in tier.open:
            yield ("hosts", key), f'"?" beside {key} of real hosts; leave one of them out'
        elif count and tier.hosts != count:
            yield (
                ("hosts", key),
                f"{tier.hosts:,} beside {keys.many(count, key[:-1])}; leave hosts out, or name a file for each",
            )


def _sources(tier: Tier) -> Faults:
    if tier.sources is None:
        return
    if tier.sources_each is not None and tier.sources_each > tier.sources:
        text = f"{tier.sources_each:,} to each backend, of {tier.sources:,} sources; write at most {tier.sources:,}"
        yield ("sources_each", "sources"), text
    wanted = (tier.hosts or 0) * tier.sources
    if tier.source_addresses and tier.sources > 1 and wanted > len(tier.source_addresses):
        text = (
            f"{tier.hosts:,} x {tier.sources:,} sources need {wanted:,} addresses, "
            f"{len(tier.source_addresses):,} are given; add some, or leave all of them out"
        )
        yield ("source_addresses", "sources", "hosts"), text


def _ports(tier: Tier) -> Faults:
    low, high = tier.port_range or (1024, 65535)
    if low > high:
        yield ("port_range",), f"begins at {low} and ends at {high}; write the lower port first"
    if low < 1024:
        # ip_local_port_range takes none below ip_unprivileged_port_start (net/ipv4/sysctl_net_ipv4.c)
        yield (
            ("port_range",),
            f"begins at {low}, and ports below 1024 are for services; write [1024, {max(high, 1024)}]",
        )
    if high > 65535:
        yield ("port_range",), f"ends at {high:,}, and the last port is 65535; write [{low}, 65535]"
    if not ports.span(low, high) & ~ports.mask_of(tier.reserved_ports):
        text = f"{tier.reserved_ports} leaves no port of {low} to {high}; reserve fewer"
        yield ("reserved_ports", "port_range"), text


def _memory(tier: Tier) -> Faults:
    if tier.memory is not None and tier.memory_kept >= tier.memory:
        text = f"{tier.memory_kept:,} of {tier.memory:,} bytes are reserved, which leaves none; reserve less"
        yield ("memory_kept", "memory"), text


def _caps(tier: Tier) -> Faults:
    if tier.tracked_max == 0:
        yield ("tracked_max",), "a cloud that tracks 0 connections allows none; write what it tracks, or leave it out"


_CHECKS: tuple[Callable[[Tier], Faults], ...] = (_hosts, _files, _sources, _ports, _memory, _caps)


def _descriptors(tier: Tier, workload: Workload) -> Iterator[Problem]:
    least = max(workload.descriptors(1), _LEAST_NOFILE)
    if tier.nofile is not None and tier.nofile < least:
        text = (
            f"{tier.nofile:,} descriptors leave none for connections: the role {tier.role} keeps "
            f"{workload.own_descriptors:,} for itself; at least {least:,}"
        )
        yield Problem(tier.name, ("nofile",), text)


def _shares(topology: Topology) -> Iterator[Problem]:
    first = topology.first
    given = sum(tier.connections or 0 for tier in first)
    for tier in first:
        if len(first) > 1 and tier.connections is None:
            names = ", ".join(t.name for t in first)
            text = f"missing: connections begin in {len(first)} tiers ({names}); write how many of all begin here"
            yield Problem(tier.name, ("connections",), text)
    if given and given != topology.connections:
        text = f"first tiers have {given:,} connections, [topology] has {topology.connections:,}; make both the same"
        others = ("", *(tier.name for tier in first))
        yield Problem(first[-1].name, ("connections",), text, tuple((name, "connections") for name in others))


def _addresses(topology: Topology) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for tier in topology.tiers:
        for key in ("addresses", "source_addresses"):
            for address in getattr(tier, key):
                if address in seen:
                    text = f"{address} is in {seen[address]} already; an address is one host's"
                    yield Problem(tier.name, (key,), text)
                seen[address] = f"[tier.{tier.name}] {key}"


def _families(topology: Topology) -> Iterator[Problem]:
    for tier in topology.tiers:
        key = "source_addresses" if tier.sources != 1 and tier.source_addresses else "addresses"
        own = getattr(tier, key)[:1]
        for name in graph.targets(tier) if own else ():
            family = addresses.family(own[0])
            for address in topology.tier(name).addresses[:1]:
                if addresses.family(address) != family:
                    text = (
                        f"{own[0]} cannot reach {address} of {name}: {family} towards {addresses.family(address)}; "
                        "give both one family"
                    )
                    yield Problem(tier.name, (key,), text, ((name, "addresses"),))
