"""The interfaces of this host with their subnets, as the kernel has them now, and which one an address belongs to."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Backend

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Link:
    """An interface: `addresses` are ADDRESS/PREFIX, `passing` those of them that DHCP or a router has given.

    `arp`: it finds its neighbours by ARP and neighbour discovery. `neighbours` have answered there, `gateways` are
    those of its routes.
    """

    name: str
    up: bool
    loopback: bool
    arp: bool
    addresses: tuple[str, ...]
    passing: frozenset[str]
    gateways: tuple[str, ...]
    neighbours: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Default:
    """A default route: `gateway` and `source` are "" where it names none."""

    interface: str
    gateway: str
    source: str


@dataclass(frozen=True, slots=True)
class Links:
    """All interfaces by name, the prefixes that are local by a route on the loopback, and the default routes."""

    links: Mapping[str, Link]
    anyip: tuple[str, ...]
    defaults: tuple[Default, ...]

    def own(self) -> set[str]:
        """Return every address of this host."""
        return {address.partition("/")[0] for link in self.links.values() for address in link.addresses}


def gather(host: Host) -> Links:
    """Ask the kernel; raises HostError."""
    answer: dict[str, Any] = host.probe("links")
    links = {name: _link(name, link) for name, link in answer["links"].items()}
    local = (prefix for prefix, name in answer["local"] if name == "lo")
    anyip = tuple(p for p in local if not ipaddress.ip_interface(p).is_loopback)
    return Links(links, anyip, tuple(Default(d["interface"], d["gateway"], d["source"]) for d in answer["defaults"]))


def _link(name: str, link: dict[str, Any]) -> Link:
    addresses = {f"{ipaddress.ip_address(a['address'])}/{a['prefix']}": a["permanent"] for a in link["addresses"]}
    return Link(
        name=name,
        up=link["up"],
        loopback=link["loopback"],
        arp=link["arp"],
        addresses=tuple(addresses),
        passing=frozenset(address for address, permanent in addresses.items() if not permanent),
        gateways=tuple(link["gateways"]),
        neighbours=tuple(link["neighbours"]),
    )


def on_link(host: Host, backends: tuple[Backend, ...], known: Mapping[str, Any]) -> int | None:
    """Return how many of the backends' addresses are neighbours, not behind a gateway; None where no route shows it.

    `known` are ways that were asked for before: the others are asked for only where one is not among them.
    """
    wanted = sorted({backend.address for backend in backends})
    try:
        ways = known if all(address in known for address in wanted) else host.probe("routes", destinations=wanted)
    except HostError:
        return None
    answers = [ways[address] for address in wanted if address in ways]
    if any("gateway" not in answer for answer in answers):
        return None
    return sum(bool(answer["source"]) and not answer["gateway"] for answer in answers)


def subnets(link: Link, version: int) -> tuple[Network, ...]:
    """Return the subnets of an interface that hold more than its own address, those of the link alone left out."""
    interfaces = (ipaddress.ip_interface(address) for address in link.addresses)
    kept = (
        interface.network for interface in interfaces if interface.version == version and not interface.ip.is_link_local
    )
    return tuple(dict.fromkeys(net for net in kept if net.num_addresses > 1))


def around(links: Links, address: Address) -> list[tuple[str, Network]]:
    """Return each interface and subnet that holds an address, the narrowest first; the loopback comes last."""
    pairs = [
        (link.name, net) for link in links.links.values() for net in subnets(link, address.version) if address in net
    ]
    return sorted(pairs, key=lambda pair: (links.links[pair[0]].loopback, -pair[1].prefixlen, pair[0]))
