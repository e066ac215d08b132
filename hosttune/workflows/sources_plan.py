"""How many source addresses a workload takes towards its backends, and where they could come from; nothing is sent."""

from __future__ import annotations

import dataclasses
import ipaddress
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hosttune import printable
from hosttune.capacity import CapacityFacts, more_sources
from hosttune.errors import HostError, UsageError
from hosttune.facts import cloud_addresses, free, links, pool
from hosttune.facts import machine as machines
from hosttune.facts.kinds import sysctl
from hosttune.facts.links import Links, Network
from hosttune.host import Host
from hosttune.model import Backend, BindMode, EgressInterface, More, PortPool, Reading, SourcePlan, Workload
from hosttune.options import Options, Place, spelled
from hosttune.workflows import contained, loading

_READ = (
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_reuse_delay",
    "net.ipv4.tcp_timestamps",
)
_UNPRIVILEGED, _LAST = 1024, 65535  # PROT_SOCK, include/net/sock.h
Key = tuple[str, int]
"""An interface, and the family of addresses."""

_SHOWN = 64
"""Free ranges that are kept: a subnet in which every second address is taken has no use for the rest."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is read of the host once: `ways` are the answers of routing, by the backends' addresses."""

    host: Host
    load: Workload
    links: Links
    readings: dict[str, Reading]
    ways: dict[str, dict[str, str]]


def plan(options: Options, place: Place, interface: str, headroom: str) -> SourcePlan:
    """Look at the host that the options name, and return the plan; raises UsageError where it cannot be made."""
    options = contained.settled(options, place)
    with loading.standpoint(options, place) as point:
        return point.look(lambda host, _: on(host, options, interface, headroom))


def _none(loaded: loading.Target) -> str:
    """Return what to say where there is no backend to plan for: what the configuration has instead."""
    known = loaded.programs.configuration
    if known is None:
        return "no backend; name them with --backend HOST:PORT or --backends-from FILE"
    if known.entries and not known.sections and not any(entry.leads for entry in known.entries):
        ends = f"connections end in {known.program}"
        return f"no backend in {known.files[0]}: {ends}; name those that it has with --backend HOST:PORT"
    unknown = [text for section in known.sections for text in section.unknown]
    why = next(iter([*unknown, *known.notes]), "nothing in it connects to a host")
    return f"no backend of {known.files[0]} can be counted: {why}; name them with --backend HOST:PORT"


def on(host: Host, options: Options, interface: str = "", headroom: str = "0") -> SourcePlan:
    """Look at a host, and return the plan; raises UsageError where it cannot be made."""
    spare = share(headroom)
    loaded = loading.load(host, options)
    load = loaded.workload
    if not load.backends:
        raise UsageError(f"sources plan: {_none(loaded)}")
    wanted = math.ceil(load.connections / (1 - spare))
    seen = _look(host, dataclasses.replace(load, connections=wanted))
    outlets, notes = _outlets(seen, interface)
    machine = machines.gather(host)
    count = sum(outlet.needed.best or 0 for outlet in outlets if not outlet.own)
    first = outlets[0].pools[0]
    made = SourcePlan(
        machine=machine,
        connections=load.connections,
        wanted=wanted,
        headroom=float(spare),
        mode=load.bind_mode,
        range_now=(first.low, first.high),
        range_widest=_widest(seen, first.low, first.high),
        egress_interfaces=tuple(outlets),
        local=seen.links.anyip,
        notes=(*loaded.notes, *notes),
    )
    if made.carried:
        return made
    cloud = cloud_addresses.of(machine.cloud, count) if count else None
    made = dataclasses.replace(
        made,
        anyip=_spare(seen.links, count) if any(o.version == 4 and not o.own for o in outlets) else "",
        cloud=cloud,
        elsewhere="" if cloud else machine.cloud,
    )
    return dataclasses.replace(made, next=_next(made, options))


def share(text: str) -> Fraction:
    """Return the share of 0.2 or 20%; raises UsageError."""
    if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,6})?%?", text):
        part = Fraction(text.rstrip("%")) / (100 if text.endswith("%") else 1)
        if part <= Fraction(9, 10):
            return part
    raise UsageError(f"--headroom {text}: not a share from 0 to 0.9 (90%); write 0.2 or 20%")


def _look(host: Host, load: Workload) -> _Seen:
    try:
        interfaces = links.gather(host)
        ways = host.probe("routes", destinations=sorted({b.address for b in load.backends}))
    except HostError as error:
        raise UsageError(f"sources plan: the interfaces and routes are not seen here: {error}") from error
    return _Seen(host, load, interfaces, sysctl.read(host, _READ), ways)


def _outlets(seen: _Seen, only: str) -> tuple[list[EgressInterface], list[str]]:
    """Return an outlet for each interface and family that leads to backends, and why some backends have none."""
    notes: list[str] = []
    groups: dict[Key, list[Backend]] = {}
    for backend in seen.load.backends:
        way = seen.ways.get(backend.address, {})
        name = way.get("interface", "")
        if not way.get("source") or name not in seen.links.links:
            why = way.get("error") or "routing names no interface of this host (a recording of an older release?)"
            notes.append(f"{backend}: no route: {why}")
        elif only and name != only:
            notes.append(f"{backend} is reached by {name}, not by {only}: left out")
        else:
            groups.setdefault((name, 6 if ":" in backend.address else 4), []).append(backend)
    if not groups:
        raise UsageError(f"sources plan: {notes[0]}")
    if seen.load.bind_mode is BindMode.CONNECT:
        notes.append("a program that only connects has one source address, whatever is added: it must bind to them")
    have = {key: _have(seen, *key, of) for key, of in groups.items()}
    survey = _survey(seen, {key: (have[key], of) for key, of in groups.items()})
    notes += survey.notes
    return [_outlet(seen, key, have[key], groups[key], survey) for key in groups], notes


def _survey(seen: _Seen, outlets: dict[Key, tuple[tuple[str, ...], list[Backend]]]) -> pool.Survey:
    """Look at the sockets once, with the sources of each backend; raises UsageError."""
    sources = {b: have for have, of in outlets.values() for b in of}
    # in the order in which they were named: what a recording was asked
    aimed = tuple(dataclasses.replace(b, sources=sources[b]) for b in seen.load.backends if b in sources)
    try:
        return pool.survey(seen.host, aimed, (), seen.load.bind_mode, seen.load.bind_range, seen.load.caller)
    except HostError as error:
        raise UsageError(f"sources plan: source ports are not counted: {error}") from error


def _outlet(
    seen: _Seen, key: Key, have: tuple[str, ...], backends: list[Backend], survey: pool.Survey
) -> EgressInterface:
    (name, version), load, link = key, seen.load, seen.links.links[key[0]]
    way = seen.ways[backends[0].address]
    part = Fraction(len(backends), len(load.backends))
    own = dataclasses.replace(
        load,
        connections=math.ceil(load.connections * part),
        rate=max(math.ceil(load.rate * part), 1),
        backends=tuple(backends),
        sources=have,
    )
    facts = CapacityFacts(
        readings=seen.readings,
        pools=_of(survey.carried(), backends),
        workload=own,
        machine=machines.gather(seen.host),
        wide=_of(survey.carried(*_widest(seen, survey.settings.low, survey.settings.high)), backends),
    )
    made = EgressInterface(
        interface=name,
        version=version,
        source=way["source"],
        have=have,
        via=way.get("gateway", ""),
        connections=own.connections,
        pools=facts.pools,
        now=_more(facts, widest=False),
        widest=_more(facts, widest=True),
        own=link.loopback,
    )
    subnet = _subnet(seen.links, name, way["source"])
    return made if made.own or subnet is None else _with_free(seen, made, subnet)


def _of(pools: Sequence[PortPool], backends: Sequence[Backend]) -> tuple[PortPool, ...]:
    named = {str(backend) for backend in backends}
    return tuple(pool for pool in pools if str(pool.backend) in named)


def _more(facts: CapacityFacts, *, widest: bool) -> More:
    return More(
        more_sources(facts, widest=widest, below_knee=False),
        more_sources(facts, widest=widest, below_knee=True),
    )


def _have(seen: _Seen, name: str, version: int, backends: Sequence[Backend]) -> tuple[str, ...]:
    """Return the addresses that connections go out from: those named, else all that the interface has."""
    source = seen.ways[backends[0].address]["source"]
    named = [s for s in (seen.load.sources if seen.load.sources != ("all",) else ()) if (":" in s) == (version == 6)]
    named = named or [s for b in backends for s in b.sources if (":" in s) == (version == 6)]
    if named:
        return tuple(dict.fromkeys(named))
    if seen.load.bind_mode is BindMode.CONNECT and not seen.load.sources:
        return (source,)  # routing picks one and the same for all
    ips = [ipaddress.ip_interface(each).ip for each in seen.links.links[name].addresses]
    kept = [str(each) for each in ips if each.version == version and not each.is_link_local]
    return tuple(dict.fromkeys([source, *kept]))


def _widest(seen: _Seen, low: int, high: int) -> tuple[int, int]:
    """Return the range with every port that an ordinary program may have; a program's own range is as it is."""
    if seen.load.bind_range is not None and seen.load.bind_mode in (BindMode.EXPLICIT, BindMode.BIND):
        return seen.load.bind_range
    start = seen.readings["net.ipv4.ip_unprivileged_port_start"].runtime
    first = max(start, _UNPRIVILEGED) if isinstance(start, int) else _UNPRIVILEGED
    return min(low, first), _LAST


def _subnet(interfaces: Links, name: str, source: str) -> Network | None:
    """Return the subnet of the source on its interface; None where it has none but itself."""
    address = ipaddress.ip_address(source)
    around = [net for net in links.subnets(interfaces.links[name], address.version) if address in net]
    return max(around, key=lambda net: net.prefixlen) if around else None


def _with_free(seen: _Seen, outlet: EgressInterface, subnet: Network) -> EgressInterface:
    link = seen.links.links[outlet.interface]
    others = {*link.neighbours, *link.gateways, *(b.address for b in seen.load.backends)}
    ranges = free.ranges(subnet, {*seen.links.own(), *others})
    inside = {each for each in others - seen.links.own() if _inside(each, subnet)}
    wanted = outlet.needed.best or 0
    at = f"/{subnet.prefixlen}@{outlet.interface}"
    return dataclasses.replace(
        outlet,
        subnet=str(subnet),
        free=free.count(ranges),
        ranges=tuple(free.text(each, subnet.version) for each in ranges[:_SHOWN]),
        seen=len(inside),
        chosen=tuple(free.text(each, subnet.version) + at for each in free.choose(ranges, wanted)),
    )


def _inside(text: str, subnet: Network) -> bool:
    ip = ipaddress.ip_address(text.partition("%")[0])
    return ip.version == subnet.version and ip in subnet


def _spare(interfaces: Links, count: int) -> str:
    """Return a private prefix of so many addresses that meets no subnet of this host."""
    bits = max(2, math.ceil(math.log2(max(count, 1))))
    taken = [net for link in interfaces.links.values() for net in links.subnets(link, 4)]
    taken += [ipaddress.ip_network(prefix, strict=False) for prefix in interfaces.anyip if ":" not in prefix]
    block = ipaddress.ip_network("10.0.0.0/8")
    for second in (9, *range(64, 256)):
        start = int(block.network_address) + (second << 16)
        net = ipaddress.ip_network((start, 32 - bits))
        if bits <= 16 and not any(net.overlaps(other) for other in taken):
            return str(net)
    return ""


def _next(made: SourcePlan, options: Options) -> tuple[str, ...]:
    """Return the commands that carry it, in order."""
    add = ["sudo", "hosttune", "sources", "add"]
    outside = [outlet for outlet in made.egress_interfaces if not outlet.own]
    short = [outlet for outlet in outside if outlet.free < (outlet.needed.best or 0)]
    chosen = [address for outlet in outside if outlet not in short for address in outlet.chosen]
    commands: list[list[str]] = []
    if any(outlet.widens for outlet in made.egress_interfaces) and made.range_now != made.range_widest:
        commands.append(["sudo", "hosttune", "apply", "--only", "sysctl", *spelled(options, ("source",))])
    if chosen:
        commands.append([*add, *chosen])
    if made.anyip and any(outlet.version == 4 for outlet in short):
        commands.append([*add, "--anyip", made.anyip])
    return tuple(map(printable.words, commands))
