"""Give an interface a source address, or take it away (rtnetlink(7))."""

from __future__ import annotations

import errno
import ipaddress
from typing import Any

from hosttune.host.netlink import routing


def run(verb: str, address: str, interface: str) -> None:
    """Add or delete ADDRESS/PREFIX on an interface; raises OSError. An IPv6 one skips duplicate detection."""
    prefix = ipaddress.ip_interface(address)

    def ask(link: Any) -> None:
        indexes = list(link.link_lookup(ifname=interface))
        if not indexes:
            raise OSError(errno.ENODEV, f"no interface {interface}")
        flags = {"flags": 0x02} if prefix.version == 6 and verb == "add" else {}  # IFA_F_NODAD, linux/if_addr.h
        link.addr(verb, index=indexes[0], address=str(prefix.ip), prefixlen=prefix.network.prefixlen, **flags)

    try:
        routing(ask)
    except OSError as error:
        raise OSError(error.errno, f"{address} on {interface}: {error.strerror}") from error
