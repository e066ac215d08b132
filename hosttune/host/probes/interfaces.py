"""The addresses of each interface."""

from __future__ import annotations


def run() -> dict[str, list[str]]:
    """Return ADDRESS/PREFIX of each interface by its name; an interface without any has an empty list."""
    from pyroute2 import IPRoute

    with IPRoute() as routing:
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in routing.get_links()}
        found: dict[str, list[str]] = {name: [] for name in names.values()}
        for one in routing.get_addr():
            address = one.get_attr("IFA_LOCAL") or one.get_attr("IFA_ADDRESS")
            found[names[one["index"]]].append(f"{address}/{one['prefixlen']}")
    return {name: sorted(addresses) for name, addresses in found.items()}
