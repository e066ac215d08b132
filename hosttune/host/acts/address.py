"""Give an interface a source address, or take it away (rtnetlink(7))."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hosttune.host.probes._netlink import routing


def run(verb: str, address: str, interface: str) -> None:
    """Add or delete ADDRESS/PREFIX on an interface; raises OSError. An IPv6 one skips duplicate detection."""
    one = ipaddress.ip_interface(address)

    def ask(link: Any) -> None:
        found = list(link.link_lookup(ifname=interface))
        if not found:
            raise OSError(errno.ENODEV, f"no interface {interface}")
        flags = {"flags": 0x02} if one.version == 6 and verb == "add" else {}  # IFA_F_NODAD, linux/if_addr.h
        with _others_stay(interface, one.version == 4 and verb == "del"):
            link.addr(verb, index=found[0], address=str(one.ip), prefixlen=one.network.prefixlen, **flags)

    try:
        routing(ask)
    except OSError as error:
        raise OSError(error.errno, f"{address} on {interface}: {error.strerror}") from error


@contextmanager
def _others_stay(interface: str, needed: bool) -> Iterator[None]:
    """Have the kernel keep the other addresses of a subnet whose first one goes.

    Without promote_secondaries it deletes them with it (net/ipv4/devinet.c, __inet_del_ifa). The setting is given back.
    """
    path = f"/proc/sys/net/ipv4/conf/{interface}/promote_secondaries"
    old = ""
    if needed:
        with open(path, encoding="ascii") as file:
            old = file.read().strip()
    if old != "0":
        yield
        return
    _set(path, "1")
    try:
        yield
    finally:
        _set(path, old)


def _set(path: str, value: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(value)
