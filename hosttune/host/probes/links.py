"""The interfaces, what is known of their subnets, and the prefixes that are this host's own (rtnetlink(7))."""

from __future__ import annotations

import os
from typing import Annotated, Any, TypedDict

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address, Count, Interface, Is, MaybeAddress, is_interface, is_prefix
from hosttune.model import Reason

_PERMANENT = 0x80  # IFA_F_PERMANENT, linux/if_addr.h
_LOCAL = 2  # RTN_LOCAL, linux/rtnetlink.h
_LOCAL_TABLE = 255
_WIDTH = {2: 32, 10: 128}


class OfLink(TypedDict):
    """An address of an interface; `permanent`: no lease and no router gave it."""

    address: Address
    prefix: Count
    permanent: bool


def _is_subnet(subnet: OfLink) -> bool:
    return is_prefix(f"{subnet['address'].partition('%')[0]}/{subnet['prefix']}")


def _is_pair(pair: list[str]) -> bool:
    return len(pair) == 2 and is_prefix(pair[0]) and is_interface(pair[1])


class Link(TypedDict):
    """An interface.

    `arp`: it finds its neighbours by ARP and neighbour discovery. `gateways` are those of its routes, `neighbours`
    addresses that have answered.
    """

    up: bool
    carrier: bool
    loopback: bool
    arp: bool
    addresses: list[Annotated[OfLink, Is(_is_subnet, "no prefix")]]
    gateways: list[Address]
    neighbours: list[Address]


class Default(TypedDict):
    """A default route; gateway and source are "" where it has none."""

    interface: Interface
    gateway: MaybeAddress
    source: MaybeAddress


class Links(TypedDict):
    """All interfaces by name, and [prefix, interface] of local routes that hold for no address of an interface."""

    links: dict[Interface, Link]
    local: list[Annotated[list[str], Is(_is_pair, "no prefix with an interface")]]
    defaults: list[Default]


def run() -> Links:
    """Return them; raises HostError."""
    try:
        return netlink.routing(_asked)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error


def _asked(routing: Any) -> Links:
    names: dict[int, str] = {}
    links: dict[str, Link] = {}
    for link in routing.get_links():
        name = str(link.get_attr("IFLA_IFNAME"))
        names[link["index"]] = name
        links[name] = _link(link)
    for address in routing.get_addr():
        flags = address.get_attr("IFA_FLAGS") or address["flags"]
        links[names[address["index"]]]["addresses"].append(
            {
                "address": str(address.get_attr("IFA_LOCAL") or address.get_attr("IFA_ADDRESS")),
                "prefix": address["prefixlen"],
                "permanent": bool(flags & _PERMANENT),
            }
        )
    for neighbour in routing.get_neighbours():
        name, address = names.get(neighbour["ifindex"], ""), neighbour.get_attr("NDA_DST")
        if name and address and neighbour.get_attr("NDA_LLADDR"):
            links[name]["neighbours"].append(str(address))
    local, defaults = _routes(routing.get_routes(), names, links)
    for entry in links.values():
        entry["gateways"] = sorted(set(entry["gateways"]))
        entry["neighbours"] = sorted(set(entry["neighbours"]))
    return {"links": links, "local": sorted(local), "defaults": defaults}


def _link(link: Any) -> Link:
    flags = link["flags"]
    return {
        "up": bool(flags & kernel.IFF_UP),
        "carrier": link.get_attr("IFLA_CARRIER") != 0,
        "loopback": bool(flags & kernel.IFF_LOOPBACK),
        "arp": link["ifi_type"] == kernel.ARPHRD_ETHER and not flags & kernel.IFF_NOARP,
        "addresses": [],
        "gateways": [],
        "neighbours": [],
    }


def _routes(routes: Any, names: dict[int, str], links: dict[str, Link]) -> tuple[list[list[str]], list[Default]]:
    """Return the local prefixes and the default routes; add each gateway to its interface."""
    own = {a["address"] for link in links.values() for a in link["addresses"]}
    local: list[list[str]] = []
    defaults: list[Default] = []
    for route in routes:
        name = names.get(route.get_attr("RTA_OIF") or 0, "")
        if (route.get_attr("RTA_TABLE") or route["table"]) == _LOCAL_TABLE:
            if name and route["type"] == _LOCAL and not _is_own(route, own):
                local.append([f"{route.get_attr('RTA_DST')}/{route['dst_len']}", name])
            continue
        for hop, gateway in _hops(route, names):
            if gateway:
                links[hop]["gateways"].append(gateway)
            if route["dst_len"] == 0:
                source = str(route.get_attr("RTA_PREFSRC") or "")
                defaults.append({"interface": hop, "gateway": gateway, "source": source})
    return local, defaults


def _is_own(route: Any, own: set[str]) -> bool:
    """Say whether a local route holds for an address of an interface alone."""
    return route["dst_len"] == _WIDTH.get(route["family"]) and str(route.get_attr("RTA_DST")) in own


def _hops(route: Any, names: dict[int, str]) -> list[tuple[str, str]]:
    """Return interface and gateway of each way that a route goes, "" for a neighbour."""
    ways = [(route.get_attr("RTA_OIF"), route), *((hop["oif"], hop) for hop in route.get_attr("RTA_MULTIPATH") or [])]
    return [(names[index], _gateway(way)) for index, way in ways if index in names]


def _gateway(route: Any) -> str:
    # a route of one family through a gateway of the other has RTA_VIA
    gateway = route.get_attr("RTA_GATEWAY") or route.get_attr("RTA_VIA") or ""
    return str(gateway["addr"] if isinstance(gateway, dict) else gateway)
