"""Lists of addresses as people write them: single ones, "FIRST-LAST" and networks, IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

MOST = 65_536
"""Addresses of one file: more than any plan names, and few enough to be held and written one by one."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def expand(texts: Sequence[str], most: int = MOST) -> tuple[str, ...]:
    """Return the addresses of a list, each in its one spelling; raises ValueError beyond `most` of them.

    "10.0.0.1-10.0.0.9" is both ends and all between, "10.0.0.0/28" what hosts of that network can have.
    """
    addresses: list[str] = []
    for text in texts:
        first, last = _ends(text)
        count = int(last) - int(first) + 1
        if len(addresses) + count > most:
            left = f"{count:,} here, {most - len(addresses):,} left"
            raise ValueError(f"{_shown(text)} goes beyond the {MOST:,} addresses of a file ({left}); name fewer")
        kind = type(first)
        addresses.extend(str(kind(number)) for number in range(int(first), int(last) + 1))
    return tuple(addresses)


def family(address: str) -> str:
    """Return IPv4 or IPv6."""
    return "IPv6" if ":" in address else "IPv4"


def _ends(text: str) -> tuple[_Address, _Address]:
    if "/" in text:
        return _network(text)
    low, dash, high = text.partition("-")
    first, last = _address(low), _address(high if dash else low)
    if type(first) is not type(last):
        raise ValueError(f"{_shown(text)} begins in one family and ends in another; write two entries")
    if int(first) > int(last):
        raise ValueError(f"{_shown(text)} ends before it begins; write {last}-{first}")
    return first, last


def _address(text: str) -> _Address:
    try:
        # a scope ("fe80::1%eth0") may hold anything
        address = ipaddress.ip_address(text.strip()) if "%" not in text else None
    except ValueError:
        address = None
    if address is None:
        raise ValueError(f"{_shown(text)} is no address; write 10.0.0.1, 10.0.0.1-10.0.0.9, 10.0.0.0/28 or fd00::1")
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        raise ValueError(f"{_shown(text)} is an IPv4 address in the clothes of IPv6; write {mapped}")
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise ValueError(f"{_shown(text)} is no address that a host has; write one of its own")
    if address.version == 6 and address.is_link_local:
        raise ValueError(f"{_shown(text)} is link-local, and needs an interface to be reached; write a routed address")
    return address


def _network(text: str) -> tuple[_Address, _Address]:
    base, _, length = text.partition("/")
    address = _address(base)
    if not re.fullmatch(r"[0-9]{1,3}", length) or int(length) > address.max_prefixlen:
        raise ValueError(f"{_shown(text)} is no network; write 10.0.0.0/28")
    network = ipaddress.ip_network(f"{address}/{int(length)}", strict=False)
    if network.network_address != address:
        raise ValueError(f"{_shown(text)} has bits beyond its prefix; write {network}, or the address alone")
    low, high = network.network_address, network.broadcast_address
    if network.prefixlen >= network.max_prefixlen - 1:
        return low, high  # one address, or the two of a link between routers (RFC 3021, RFC 6164)
    kind = type(low)
    # the last one of an IPv4 network is its broadcast address; the first one of IPv6 is that of its routers (RFC 4291)
    return kind(int(low) + 1), high if network.version == 6 else kind(int(high) - 1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
