"""Interfaces of a private namespace: loopback, and a virtual pair to a second namespace (rtnetlink(7), veth(4)).

The pair resolves no neighbours: without ARP a packet goes to the sender's own hardware address, which both ends have.
"""

from __future__ import annotations

import errno
import ipaddress
import time
from collections.abc import Collection, Iterable
from typing import Any

from hosttune import kernel

NEAR, FAR = "here", "there"
HARDWARE = "02:00:00:00:00:01"
_NODAD = 0x02  # IFA_F_NODAD, linux/if_addr.h
_LINK = 253  # RT_SCOPE_LINK, linux/rtnetlink.h
_LOCAL_TABLE = 255  # RT_TABLE_LOCAL
_PATIENCE = 30.0
"""Seconds until IPv6 addresses are this namespace's own."""


def loopback_up() -> None:
    """Bring the loopback interface up; raises OSError."""
    from pyroute2 import IPRoute

    with IPRoute() as routing:
        routing.link("set", index=1, state="up")


def pair(pid: int) -> None:
    """Make the pair of interfaces: one end here, one in the namespace of a process; raises OSError."""
    from pyroute2 import IPRoute

    with IPRoute() as routing:
        routing.link("add", ifname=NEAR, kind="veth", address=HARDWARE, peer={"ifname": FAR, "address": HARDWARE})
        routing.link("set", index=routing.link_lookup(ifname=FAR)[0], net_ns_pid=pid)


def up(interface: str, resolve: bool = False) -> None:
    """Bring an end up; `resolve`: it asks for its neighbours' hardware addresses; raises OSError."""
    from pyroute2 import IPRoute

    with IPRoute() as routing:
        index = routing.link_lookup(ifname=interface)[0]
        routing.link(
            "set",
            index=index,
            flags=kernel.IFF_UP | (0 if resolve else kernel.IFF_NOARP),
            change=kernel.IFF_UP | kernel.IFF_NOARP,
        )


class Links:
    """The addresses and routes of one namespace; what is there already costs nothing to ask for again."""

    def __init__(self) -> None:
        self._addresses: set[tuple[str, str]] = set()
        self._routes: dict[tuple[int, str], tuple[str, str]] = {}

    def add(self, addresses: Iterable[str], interface: str) -> None:
        """Give an interface addresses, each alone in its network; raises OSError."""
        new = [address for address in dict.fromkeys(addresses) if (address, interface) not in self._addresses]
        if new:
            _add(new, interface)
            self._addresses |= {(address, interface) for address in new}

    def route(self, interface: str, source: str, destination: str = "default") -> None:
        """Send to an address, or all of a family, from `source` where the program names none; raises OSError."""
        key, value = (ipaddress.ip_address(source).version, destination), (interface, source)
        if self._routes.get(key) != value:
            _route(interface, source, destination)
            self._routes[key] = value


def _add(addresses: Collection[str], interface: str) -> None:
    from pyroute2 import IPRoute, NetlinkError

    with IPRoute() as routing:
        index = routing.link_lookup(ifname=interface)[0]
        for address in addresses:
            parsed = ipaddress.ip_address(address)
            flags = {"flags": _NODAD} if parsed.version == 6 else {}
            try:
                routing.addr("add", index=index, address=address, prefixlen=parsed.max_prefixlen, **flags)
            except NetlinkError as error:
                if error.code != 17:  # EEXIST
                    raise OSError(error.code, f"address {address}") from error
        _await_local(routing, {str(ipaddress.ip_address(address)) for address in addresses if ":" in address})


def _await_local(routing: Any, addresses: set[str]) -> None:
    """Wait until IPv6 addresses are this namespace's own; raises OSError.

    The kernel adds their local routes from a queue of work (addrconf_dad_work, net/ipv6/addrconf.c). Before, a SYN to
    one of them is answered with "no route", and the program that connects fails a second later.
    """
    until = time.monotonic() + _PATIENCE
    while addresses:
        routes = routing.get_routes(family=10, table=_LOCAL_TABLE)
        addresses = addresses - {str(route.get_attr("RTA_DST")) for route in routes}
        if addresses and time.monotonic() > until:
            raise OSError(errno.ETIMEDOUT, f"address {min(addresses)} has no local route")
        if addresses:
            time.sleep(0.01)


def _route(interface: str, source: str, destination: str) -> None:
    from pyroute2 import IPRoute, NetlinkError

    version = ipaddress.ip_address(source).version
    with IPRoute() as routing:
        index = routing.link_lookup(ifname=interface)[0]
        try:
            routing.route(
                "replace", family={4: 2, 6: 10}[version], dst=destination, oif=index, prefsrc=source,
                **({"scope": _LINK} if version == 4 else {}),
            )  # fmt: skip
        except NetlinkError as error:
            raise OSError(error.code, f"route {source}") from error


def neighbour(interface: str, address: str) -> None:
    """Tell an interface the hardware address of a neighbour: what waits for it is sent; raises OSError."""
    from pyroute2 import IPRoute

    with IPRoute() as routing:
        index = routing.link_lookup(ifname=interface)[0]
        routing.neigh("replace", dst=address, lladdr=HARDWARE, ifindex=index, state=0x80)  # NUD_PERMANENT
