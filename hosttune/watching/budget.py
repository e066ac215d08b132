"""What watching may cost: the time of a core that it may take, and which costly question may be asked next.

Counting sockets costs the kernel about a microsecond each (net/ipv4/inet_diag.c), so it is done as often as its own
measured cost allows, and not at all while nothing that the kernel counts says that a socket came, went or changed.
"""

from __future__ import annotations

from collections.abc import Mapping

_FEW, _MANY = 100_000, 1_000_000
_SHARE_FEW, _SHARE_MANY = 0.016, 0.08
"""Shares of one core: what is promised is 2 % with 100,000 sockets and 10 % with 1,000,000."""

_SAVED = 2.0
"""Seconds whose share can be saved up: an idle host must not be asked for very long at once afterwards."""

_LONGEST = 60.0  # seconds after which a question is asked again, whatever the counters say
_SIGNS = (
    "Tcp.ActiveOpens",
    "Tcp.PassiveOpens",
    "Tcp.AttemptFails",
    "Tcp.EstabResets",
    "Tcp.CurrEstab",
    "sockstat.TCP.inuse",
    "sockstat.TCP6.inuse",
    "sockstat.TCP.orphan",
    "sockstat.TCP.tw",
)


def share(sockets: int) -> float:
    """Return the share of one core that watching so many sockets may take."""
    part = (min(max(sockets, _FEW), _MANY) - _FEW) / (_MANY - _FEW)
    return _SHARE_FEW + part * (_SHARE_MANY - _SHARE_FEW)


def pace(interval: float, cost: float) -> float:
    """Return the seconds until the next look, whose cheap part costs so many seconds: the interval, or longer."""
    return max(interval, cost / _SHARE_MANY)


def signs(counters: Mapping[str, int]) -> tuple[int | None, ...]:
    """Return what must have moved where a socket came, went or changed its state (/proc/net/snmp, sockstat)."""
    return tuple(counters.get(name) for name in _SIGNS)


class Budget:
    """What is left to spend, in seconds of a core, and what each question has cost; times are a monotonic clock's."""

    def __init__(self, weights: Mapping[str, float], now: float) -> None:
        self._weights, self._now = dict(weights), now
        self._left = 0.0
        self._costs: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._signs: dict[str, object] = {}
        self._known: dict[str, float] = {}

    def pass_time(self, now: float, allowed: float) -> None:
        """Let time pass at a share of one core."""
        self._left += (now - self._now) * allowed
        self._now = now

    def spend(self, seconds: float) -> None:
        """Take off what was spent, on whatever."""
        self._left -= seconds

    def next(self, signs: Mapping[str, object]) -> str:
        """Return the question to ask now, "" for none: the one that has waited longest, by its weight, if it is paid.

        What was never asked is asked at once. What nothing can have changed, by its signs, is known as of now. A
        question that costs next to nothing beside the first does not wait for it.
        """
        new = [name for name in self._weights if name not in self._asked]
        if new:
            return new[0]
        waiting = []
        for name in self._weights:
            if self._signs.get(name) == signs[name] and self._now - self._asked[name] < _LONGEST:
                self._known[name] = self._now
            else:
                waiting.append(name)
        if not waiting:
            # a host at rest saves up no more than a few seconds' worth
            self._left = min(self._left, _SAVED * _SHARE_FEW)
            return ""
        waiting.sort(key=lambda name: (self._known[name] - self._now) * self._weights[name])
        most = self._costs[waiting[0]]
        paid = (n for n in waiting if self._costs[n] <= self._left and (n == waiting[0] or self._costs[n] <= most / 10))
        return next(paid, "")

    def asked(self, name: str, cost: float, signs: object, now: float) -> None:
        """Note what a question has cost, and what the counters said when it was asked."""
        if name not in self._asked:
            self._left += cost  # its first time is part of the start
        self._costs[name] = cost
        self._asked[name] = self._known[name] = now
        self._signs[name] = signs

    def answered(self, name: str, cost: float, signs: object, now: float) -> None:
        """Note that another question answered this one too; `cost` is taken for its own until it was asked itself."""
        self._costs.setdefault(name, cost)
        self._asked[name] = self._known[name] = now
        self._signs[name] = signs

    def age(self, name: str, now: float) -> float:
        """Return how many seconds ago it was known last what a question answers."""
        return max(now - self._known.get(name, now), 0.0)
