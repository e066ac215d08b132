"""Give an interface a source address, or take it away (rtnetlink(7))."""

from __future__ import annotations

import errno
import ipaddress


def run(verb: str, address: str, interface: str) -> None:
    """Add or delete ADDRESS/PREFIX on an interface; raises OSError. An IPv6 one skips duplicate detection."""
    from pyroute2 import IPRoute, NetlinkError

    one = ipaddress.ip_interface(address)
    with IPRoute() as routing:
        found = list(routing.link_lookup(ifname=interface))
        if not found:
            raise OSError(errno.ENODEV, f"no interface {interface}")
        flags = {"flags": 0x02} if one.version == 6 and verb == "add" else {}  # IFA_F_NODAD, linux/if_addr.h
        try:
            routing.addr(verb, index=found[0], address=str(one.ip), prefixlen=one.network.prefixlen, **flags)
        except NetlinkError as error:
            raise OSError(error.code, f"{address} on {interface}: {error}") from error
