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
    known = (ipaddress.ip_address(address) for address in taken)
    points = sorted({int(address) for address in known if address.version == subnet.version and address in subnet})
    spans: list[Range] = []
    for point in points:
        if low < point <= high + 1:
            spans.append((low, point - 1))
        low = max(low, point + 1)
    return [*spans, (low, high)] if low <= high else spans


def count(spans: Iterable[Range]) -> int:
    """Return how many addresses there are in all."""
    return sum(last - first + 1 for first, last in spans)


def choose(spans: list[Range], wanted: int) -> list[Range]:
    """Return ranges of together so many addresses: the first one that has them all, else the longest ones first.

    Fewer where there are not so many.
    """
    for first, last in spans:
        if last - first + 1 >= wanted:
            return [(first, first + wanted - 1)] if wanted else []
    chosen: list[Range] = []
    for first, last in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if wanted <= 0:
            break
        chosen.append((first, min(last, first + wanted - 1)))
        wanted -= last - first + 1
    return sorted(chosen)


def text(span: Range, version: int) -> str:
    """Return FIRST-LAST, or the one address."""
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    first, last = kind(span[0]), kind(span[1])
    return str(first) if first == last else f"{first}-{last}"
