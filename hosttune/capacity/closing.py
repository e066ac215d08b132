"""Connections that end: each leaves something behind for a while, beside those that are open."""

from __future__ import annotations

import math
from fractions import Fraction

from hosttune.model import Workload

Most = int | None
"""How many are kept at most, however many end; None: there is no such limit."""


def rate(load: Workload, connections: int) -> Fraction:
    """Return how many end a second while so many are open: what lives `hold` seconds, but no more than begin."""
    return min(Fraction(load.rate), Fraction(connections, load.hold)) if load.hold else Fraction(0)


def kept(load: Workload, connections: int, milliseconds: int, share: Fraction = Fraction(1), limit: Most = None) -> int:
    """Return how many of what ends, and of its `share`, is kept where each is kept so long."""
    if not load.hold:
        return 0
    many = math.ceil(rate(load, connections) * milliseconds * share / 1000)
    return many if limit is None else min(many, limit)


def most(load: Workload, room: int, part: Fraction, milliseconds: int, limit: Most = None) -> int:
    """Return the most connections whose `part` fits into so much room, with what is kept of those that end."""
    if limit is not None:
        return max(most(load, room, part, milliseconds), int((room - limit) / part))
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
