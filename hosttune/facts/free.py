"""Which addresses of a subnet nobody is seen to have: arithmetic of ranges, so that a /64 is no larger than a /24."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from hosttune.facts.links import Network

Range = tuple[int, int]
"""First and last address as numbers, both included."""

_ANYCAST = 128
"""The last addresses of an IPv6 subnet, which routers and mobile IP may share (RFC 2526)."""


def ranges(subnet: Network, taken: Iterable[str]) -> list[Range]:
    """Return the free ranges in order.

    Left out are `taken`, of IPv4 the network and broadcast addresses, of IPv6 those that are anycast.
    """
    low, high = int(subnet.network_address), int(subnet.broadcast_address)
    if subnet.num_addresses > 2:
        low += 1
        high -= 1 if subnet.version == 4 else _ANYCAST if subnet.num_addresses > 2 * _ANYCAST else 0
    known = (ipaddress.ip_address(one) for one in taken)
    points = sorted({int(one) for one in known if one.version == subnet.version and one in subnet})
    found: list[Range] = []
    for point in points:
        if low < point <= high + 1:
            found.append((low, point - 1))
        low = max(low, point + 1)
    return [*found, (low, high)] if low <= high else found


def count(found: Iterable[Range]) -> int:
    """Return how many addresses there are in all."""
    return sum(last - first + 1 for first, last in found)


def choose(found: list[Range], wanted: int) -> list[Range]:
    """Return ranges of together so many addresses: the first one that has them all, else the longest ones first.

    Fewer where there are not so many.
    """
    for first, last in found:
        if last - first + 1 >= wanted:
            return [(first, first + wanted - 1)] if wanted else []
    chosen: list[Range] = []
    for first, last in sorted(found, key=lambda one: (one[0] - one[1], one[0])):
        if wanted <= 0:
            break
        chosen.append((first, min(last, first + wanted - 1)))
        wanted -= last - first + 1
    return sorted(chosen)


def text(found: Range, version: int) -> str:
    """Return FIRST-LAST, or the one address."""
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    first, last = kind(found[0]), kind(found[1])
    return str(first) if first == last else f"{first}-{last}"
