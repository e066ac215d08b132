"""Lists of ports as the kernel writes them ("1-5,8"), as one integer whose bit p stands for port p."""

from __future__ import annotations

import re
from typing import NamedTuple

_ITEM = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def mask_of(text: str) -> int:
    """Return the set of ports of a list; items that are none, or beyond 65535, count for nothing."""
    mask = 0
    for item in text[:500_000].split(","):
        match = _ITEM.fullmatch(item.strip())
        if match:
            mask |= span(int(match[1]), int(match[2] or match[1]))
    return mask


WIDER = (16384, 10240)
"""Where ranges of ports begin that leave services more than one from 1024 on does, the narrowest first.

To 65535 they have 49,152 and 55,296 ports, 24 and 14 % fewer than 64,512.
"""


def span(low: int, high: int) -> int:
    """Return the set of the ports from low to high, both included, within 0 to 65535."""
    low, high = max(low, 0), min(high, 65535)
    return ((1 << (high - low + 1)) - 1) << low if low <= high else 0


class Reach(NamedTuple):
    """How many of a range's ports the kernel's search gets to, at the least and at the most.

    `knee` is the number from which every search goes through taken ports of one parity before it comes to free ones;
    None where it never does. `lost` are ports that no search looks at.
    """

    least: int
    most: int
    knee: int | None
    lost: int = 0


def reach(low: int, high: int, usable: int, *, bind: bool = False, step: int = 0) -> Reach:
    """Return what connect(), or bind() to port 0, gets of the usable ports of a range.

    Both look at an even number of ports: of three the last one never, of a larger odd range one end or the other is
    left out by chance. connect() takes the parity of the lower end first, bind() the other one; with `step`
    (net.ipv4.ip_local_port_step_width) there is no parity. net/ipv4/inet_hashtables.c __inet_hash_connect(),
    net/ipv4/inet_connection_sock.c inet_csk_find_open_port().
    """
    size = high - low + 1
    odd = size > 1 and size % 2 == 1
    lost = usable & (1 << high) if size == 3 and not step else 0
    usable &= ~lost
    ends = (1 << low | 1 << high) if odd and not (size == 3 and not step) else 0
    most = usable.bit_count()
    first = (usable & parity(low + bind)).bit_count()
    return Reach(most - bool(usable & ends), most, first if first < most and not step else None, lost)


def within(ends: tuple[int, int], own: tuple[int, int]) -> tuple[int, int]:
    """Return what is left of a range for a socket that has one of its own (inet_sk_get_local_port_range).

    An end outside of the namespace's range counts for nothing, so that a range wholly outside is none.
    """
    low = own[0] if ends[0] <= own[0] <= ends[1] else ends[0]
    return low, own[1] if ends[0] <= own[1] <= ends[1] else ends[1]


def parity(port: int) -> int:
    """Return the set of all ports that are odd or even as this one is."""
    even = ((1 << 65536) - 1) // 3  # 0b...0101
    return even << port % 2


def text_of(mask: int, most: int = 10_000) -> str:
    """Return a set of ports as the kernel writes it; beyond `most` items it ends with an ellipsis."""
    items: list[str] = []
    while mask:
        low = (mask & -mask).bit_length() - 1
        length = (~(mask >> low) & -(~(mask >> low))).bit_length() - 1
        items.append(str(low) if length == 1 else f"{low}-{low + length - 1}")
        mask &= ~span(low, low + length - 1)
        if len(items) == most and mask:
            return ",".join(items) + ",…"
    return ",".join(items)
