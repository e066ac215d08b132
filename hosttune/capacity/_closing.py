"""Connections that end: each leaves something behind for a while, beside those that are open."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from hosttune.model import Workload


def rate(load: Workload, connections: int) -> Fraction:
    """Return how many end a second while so many are open: what lives `hold` seconds, but no more than begin."""
    return min(Fraction(load.rate), Fraction(connections, load.hold)) if load.hold else Fraction(0)


def kept(load: Workload, connections: int, milliseconds: int, share: Fraction = Fraction(1)) -> int:
    """Return how many of what ends, and of its `share`, is kept where each is kept so long."""
    return math.ceil(rate(load, connections) * milliseconds * share / 1000)


def most(fits: Callable[[int], bool], highest: int) -> int:
    """Return the most connections, up to `highest`, that fit; what fits must fit with fewer too."""
    low, high = 0, max(highest, 0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
