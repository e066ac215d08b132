"""Make a whole prefix this host's own, or no more: a local route on the loopback (AnyIP, rtnetlink(7))."""

from __future__ import annotations

import errno
import ipaddress
from typing import Any

from hosttune.host.netlink import routing

_LOCAL_TABLE = 255


def run(verb: str, prefix: str) -> None:
    """Add or delete `local PREFIX dev lo`; raises OSError."""
    network = ipaddress.ip_network(prefix)

    def ask(link: Any) -> None:
        loopback = list(link.link_lookup(ifname="lo"))
        if not loopback:
            raise OSError(errno.ENODEV, "no interface lo")
        # of IPv4 a local route has the scope of the host, else the kernel refuses it (ip-route(8))
        scope = {"scope": 254} if network.version == 4 else {}
        family = 2 if network.version == 4 else 10
        link.route(verb, dst=str(network), family=family, type="local", table=_LOCAL_TABLE, oif=loopback[0], **scope)

    try:
        routing(ask)
    except OSError as error:
        raise OSError(error.errno, f"local {prefix} dev lo: {error.strerror}") from error
