"""Lists of addresses, written short."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable


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
