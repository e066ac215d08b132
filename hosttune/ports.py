"""Lists of ports as the kernel writes them ("1-5,8"), as one integer whose bit p stands for port p."""

from __future__ import annotations

import re

_ITEM = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def mask_of(text: str) -> int:
    """Return the set of ports of a list; items that are none, or beyond 65535, count for nothing."""
    mask = 0
    for item in text[:500_000].split(","):
        match = _ITEM.fullmatch(item.strip())
        if match:
            mask |= span(int(match[1]), int(match[2] or match[1]))
    return mask


def span(low: int, high: int) -> int:
    """Return the set of the ports from low to high, both included, within 0 to 65535."""
    low, high = max(low, 0), min(high, 65535)
    return ((1 << (high - low + 1)) - 1) << low if low <= high else 0


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
