"""The addresses of this host, and local routes that make whole prefixes its own (AnyIP)."""

from __future__ import annotations


def run() -> dict[str, list[str]]:
    """Return `addresses` and `local_routes`, prefixes of the local table that are wider than one address."""
    from pyroute2 import IPRoute

    with IPRoute() as routing:
        addresses = {str(a.get_attr("IFA_LOCAL") or a.get_attr("IFA_ADDRESS")) for a in routing.get_addr()}
        routes = {
            f"{route.get_attr('RTA_DST')}/{route['dst_len']}"
            for route in routing.get_routes(table=255)
            if route["type"] == 2 and route["dst_len"] < (32 if route["family"] == 2 else 128)  # RTN_LOCAL
        }
    return {"addresses": sorted(addresses), "local_routes": sorted(routes - {"127.0.0.0/8"})}
