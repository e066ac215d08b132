"""Addresses: read as connect(2) and its programs take them, and lists of them written short."""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
from collections.abc import Iterable

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_PART = r"(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})"
_DOTTED = re.compile(rf"{_PART}(?:\.{_PART}){{0,3}}")
_OCTAL = re.compile(r"(?:^|\.)0[0-9]")
_ZONE = re.compile(r"[^\s/%\]\0-\x1f]{1,15}")  # dev_valid_name() of net/core/dev.c


def spelled(text: str) -> tuple[str, str]:
    """Return a numeric address in its one spelling, and the interface of a link-local one; raises ValueError.

    Taken is what inet_aton(3) and inet_pton(3) take, "127.1" and "[::1]" too. A v4-mapped address is that of IPv4,
    as tcp_v6_connect() of net/ipv6/tcp_ipv6.c has it. A number with a leading zero is octal to some and decimal to
    others, and is refused.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if _DOTTED.fullmatch(bare):
        return _of_four(bare), ""
    bare, percent, zone = bare.partition("%")
    if ":" not in bare:
        raise ValueError(f"{text!r} is no address")
    address = ipaddress.IPv6Address(bare)
    mapped = address.ipv4_mapped
    if not percent:
        return str(mapped or address), ""
    if mapped or not (address.is_link_local or address.is_multicast):
        raise ValueError(f"{text!r}: only a link-local address (fe80::) has an interface; write {mapped or address}")
    if not _ZONE.fullmatch(zone):
        raise ValueError(f"{text!r}: {zone!r} is no interface's name; write {address}%eth0")
    return str(address), zone


def _of_four(text: str) -> str:
    if _OCTAL.search(text):
        raise ValueError(f"{text!r}: a number that begins with 0 is octal to some programs; write it without")
    try:
        return socket.inet_ntoa(socket.inet_aton(text))
    except OSError as error:
        raise ValueError(f"{text!r} is no address") from error


def numeric(text: str) -> str:
    """Return a numeric address in its one spelling, without an interface; "" for anything else."""
    try:
        return spelled(text)[0]
    except ValueError:
        return ""


def zoned(text: str) -> str:
    """Return a numeric address in its one spelling, with %INTERFACE where it has one; raises ValueError."""
    address, zone = spelled(text)
    return f"{address}%{zone}" if zone else address


def bare(address: str) -> str:
    """Return an address without its interface, as the kernel's tables have it."""
    return address.partition("%")[0]


def reached(address: str) -> str:
    """Return what connect(2) makes of a destination: no address in particular is this host."""
    return _HERE.get(address, address)


@functools.lru_cache(1 << 12)
def needs_zone(address: str) -> bool:
    """Say whether an address of IPv6 is one of each link, and needs its interface to be reached."""
    return address.lower().startswith("fe") and ipaddress.ip_address(address).is_link_local


def runs(addresses: Iterable[str]) -> list[str]:
    """Return addresses as FIRST-LAST where each follows the one before it, in their order."""
    spans: list[list[ipaddress.IPv4Address | ipaddress.IPv6Address]] = []
    for address in map(ipaddress.ip_address, addresses):
        if spans and spans[-1][1].version == address.version and int(address) == int(spans[-1][1]) + 1:
            spans[-1][1] = address
        else:
            spans.append([address, address])
    return [str(first) if first == last else f"{first}-{last}" for first, last in spans]


@functools.lru_cache(1 << 17)
def is_loopback(address: str) -> bool:
    """Say whether an address never leaves its host; of thousands of backends it is asked again and again."""
    return ipaddress.ip_address(address).is_loopback
