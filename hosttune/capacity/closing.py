"""Connections that end: each leaves something behind for a while, beside those that are open."""

from __future__ import annotations

import math
from fractions import Fraction

from hosttune.model import Workload


def rate(load: Workload, connections: int) -> Fraction:
    """Return how many end a second while so many are open: what lives `hold` seconds, but no more than begin."""
    return min(Fraction(load.rate), Fraction(connections, load.hold)) if load.hold else Fraction(0)


def kept(load: Workload, connections: int, milliseconds: int, share: Fraction = Fraction(1)) -> int:
    """Return how many of what ends, and of its `share`, is kept where each is kept so long."""
    return math.ceil(rate(load, connections) * milliseconds * share / 1000)


def most(load: Workload, room: int, part: Fraction, milliseconds: int) -> int:
    """Return the most connections whose `part` fits into so much room, with what is kept of those that end."""
    everything = room / part
    if not load.hold or not milliseconds:
        return int(everything)
    # both are whole numbers of what is taken: the answer is at most two of them below the one without rounding
    whole = max(
        everything * load.hold * 1000 / (load.hold * 1000 + milliseconds),
        everything - Fraction(load.rate * milliseconds, 1000),
    )
    high = max(int(whole), 0)
    low = max(high - int(2 / part) - 2, 0)
    while low < high:
        middle = (low + high + 1) // 2
        fits = math.ceil(middle * part) + kept(load, middle, milliseconds, part) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
