"""Why the kernel lets no connection go from a source address to a backend: the call that fails, its errno, and words.

net/ipv4/af_inet.c inet_addr_valid_or_nonlocal(), net/ipv4/route.c ip_route_output_key_hash_rcu(), net/ipv4/tcp_ipv4.c
tcp_v4_connect(), net/ipv6/tcp_ipv6.c tcp_v6_connect().
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hosttune.addresses import is_loopback, needs_zone
from hosttune.model import Backend

_NO_ROUTE = ("ENETUNREACH", "EHOSTUNREACH")
_BY_ROUTE = {
    "EACCES": "a rule or a route prohibits the way",
    "EINVAL": "a rule or a route of type blackhole has no way there",
    "EHOSTUNREACH": "a rule or a route says that it cannot be reached",
}
TO_MANY = ("broadcast", "multicast")
"""The kinds of routes that TCP does not connect by."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call, the name of its errno, and why, in words."""

    call: str
    errno: str
    why: str

    @property
    def fails(self) -> str:
        """How a program meets it."""
        number = getattr(errno, self.errno, 0)
        return f"{self.call}: {self.errno} ({number})"


def of_bind(name: str, source: str, device: str = "") -> Refusal | None:
    """Return the refusal that an errno of bind() stands for, None for "": it takes the address."""
    if not name:
        return None
    whose = f"of {device}" if device else "of this host"
    why = f"{source} is not an address {whose}"
    if name == "EINVAL" and needs_zone(source):
        why = f"{source} is link-local: name its interface, as {source}%eth0"
    elif name == "EADDRNOTAVAIL" and ":" in source:
        why += ", or not one yet (tentative, or by a local route alone: that takes IPV6_FREEBIND)"
    elif name != "EADDRNOTAVAIL":
        why = f"{source} cannot be bound to"
    return Refusal("bind", name, why)


def of_route(way: Mapping[str, Any], source: str, backend: Backend) -> Refusal | None:
    """Return why no TCP connection goes by a way that the kernel gave, None where it does; `source` is the one named.

    A way that has no source, where none was named, is no refusal: it is not there.
    """
    if way.get("kind") in TO_MANY:
        return Refusal("connect", "ENETUNREACH", f"{backend.address} is a {way['kind']} address")
    name = way.get("errno", "")
    if not source or not name:
        return None
    why = f"there is no way from {source} to {backend}"
    if name == "EINVAL" and is_loopback(source):
        why = f"{source} never leaves this host, and {backend} is another"
    elif name in _NO_ROUTE:
        why += " (ip route get)"
    return Refusal("connect", name, why)


def foreign(source: str) -> Refusal:
    """Return the refusal of an address that only ip_nonlocal_bind lets a program bind to.

    connect() looks for one of IPv4 among the local routes (net/ipv4/route.c ip_route_output_key_hash_rcu()); of IPv6
    the SYN goes out, and this host takes no answer to it.
    """
    why = f"{source} is not an address of this host, which ip_nonlocal_bind gives bind() alone"
    if ":" in source:
        return Refusal("connect", "ETIMEDOUT", f"{why} (ip -6 route add local {source} dev lo)")
    return Refusal("connect", "ENETUNREACH", f"{why} (ip route add local {source} dev lo)")


def of_none(way: Mapping[str, Any], backend: Backend) -> Refusal | None:
    """Return why connect() goes nowhere, where the kernel picks no source towards a backend; None where it does.

    Of a route that is not there (ENETUNREACH), or that refuses: unreachable, prohibit (EACCES), blackhole (EINVAL).
    """
    name = way.get("errno", "")
    if way["source"] or not name:
        return None
    more = _BY_ROUTE.get(name, "no route leads there")
    return Refusal("connect", name, f"{backend}: {more} (ip route get {backend.address})")


def to_many(backend: Backend) -> Refusal | None:
    """Return the refusal of a backend that is a group, which TCP does not connect to; None for any other."""
    if not ipaddress.ip_address(backend.address).is_multicast:
        return None
    return Refusal("connect", "ENETUNREACH", f"{backend.address} is a multicast address")


def unzoned(backend: Backend) -> Refusal:
    """Return the refusal of a link-local backend of which nobody says on which interface it is."""
    address = backend.address
    return Refusal("connect", "EINVAL", f"{address} is link-local, and the program says no interface to reach it by")
