"""Lists of addresses, written short."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable


def runs(addresses: Iterable[str]) -> list[str]:
    """Return addresses as FIRST-LAST where each follows the one before it, in their order."""
    found: list[list[ipaddress.IPv4Address | ipaddress.IPv6Address]] = []
    for one in map(ipaddress.ip_address, addresses):
        if found and found[-1][1].version == one.version and int(one) == int(found[-1][1]) + 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]


@functools.lru_cache(1 << 17)
def is_loopback(address: str) -> bool:
    """Say whether an address never leaves its host; of thousands of backends it is asked again and again."""
    return ipaddress.ip_address(address).is_loopback
