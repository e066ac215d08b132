"""Servers of a section that stop at limits of their own: what the section carries when the others get their shares."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate

_EXACT = 500
"""Kinds of servers that are added up one by one, each share a whole number; of more their sum is a whole number."""
_ENDLESS = 1 << 40  # connections that no limit of a server leaves to the others


class Classes(tuple[tuple[Fraction, int | None, int], ...]):
    """Servers that are alike: their share, the most that each is given, how many they are.

    What is asked of thousands of kinds for each of thousands of servers is found in sums that are made once.
    """

    def carried(self, connections: int) -> int:
        """Return what all carry when each server has its share of so many connections, and no more than its most."""
        if len(self) <= _EXACT:
            shares = ((int(connections * share), most, count) for share, most, count in self)
            return sum((n if most is None else min(n, most)) * count for n, most, count in shares)
        ends, full, left = self._sums()
        at = bisect_right(ends, connections)
        return full[at] + int(connections * left[at])

    def offered(self, connections: int) -> int:
        """Return the least number of which the servers carry so many connections together."""
        known = self.__dict__.setdefault("_offered", {})
        if connections not in known:
            known[connections] = self._offered_for(connections)
        return int(known[connections])

    def _offered_for(self, connections: int) -> int:
        low, high = connections, connections
        while self.carried(high) < connections and high < _ENDLESS:
            high *= 2
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.carried(middle) >= connections else (middle + 1, high)
        return low

    def _sums(self) -> tuple[list[Fraction], list[int], list[Fraction]]:
        """Return where each kind is full, in order; before each and after all: what is full, the share of the rest."""
        if "_made" not in self.__dict__:
            limited = sorted((most / share, most, share, count) for share, most, count in self if most is not None)
            whole = sum((share * count for share, _, count in self), Fraction(0))
            full = [*accumulate((most * count for _, most, _, count in limited), initial=0)]
            left = [*accumulate((-share * count for _, _, share, count in limited), initial=whole)]
            self.__dict__["_made"] = ([end for end, *_ in limited], full, left)
        made: tuple[list[Fraction], list[int], list[Fraction]] = self.__dict__["_made"]
        return made
