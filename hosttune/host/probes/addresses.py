"""The addresses of this host, and local routes that make whole prefixes its own (AnyIP)."""

from __future__ import annotations

import os
from typing import Any, TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address, Prefix
from hosttune.model import Reason


class Addresses(TypedDict):
    """The addresses, and the prefixes of the local table that are wider than one address."""

    addresses: list[Address]
    local_routes: list[Prefix]


def run() -> Addresses:
    """Return them; raises HostError."""
    try:
        addresses, routes = netlink.routing(_asked)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error
    return {"addresses": sorted(addresses), "local_routes": sorted(routes - {"127.0.0.0/8"})}


def _asked(routing: Any) -> tuple[set[str], set[str]]:
    addresses = {str(a.get_attr("IFA_LOCAL") or a.get_attr("IFA_ADDRESS")) for a in routing.get_addr()}
    routes = {
        f"{route.get_attr('RTA_DST')}/{route['dst_len']}"
        for route in routing.get_routes(table=255)
        if route["type"] == 2 and route["dst_len"] < (32 if route["family"] == 2 else 128)  # RTN_LOCAL
    }
    return addresses, routes
