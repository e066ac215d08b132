"""An iprange of Tsung: each part of an address is a number or LO-HI, and a user's is drawn of them."""

from __future__ import annotations

import itertools
import math
import re

_MOST = 4096


def addresses(text: str) -> tuple[tuple[str, ...], str]:
    """Return the addresses of a range such as 10.0.1-2.1-254, or none and why they cannot be counted."""
    parts = text.split(".")
    if len(parts) != 4 or not all(re.fullmatch(r"\d{1,3}(-\d{1,3})?", part) for part in parts):
        return (), "no range of IPv4 addresses"
    ends = [(int(part.partition("-")[0]), int(part.rpartition("-")[2])) for part in parts]
    if any(not low <= high < 256 for low, high in ends):
        return (), "no range of IPv4 addresses"
    count = math.prod(high - low + 1 for low, high in ends)
    if count > _MOST:
        return (), f"{count:,} addresses, at most {_MOST:,} are counted"
    each = (range(low, high + 1) for low, high in ends)
    return tuple(".".join(map(str, one)) for one in itertools.product(*each)), ""
