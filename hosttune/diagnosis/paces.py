"""How fast a full accept queue is emptied and filled: what tells a program that is slow from one that is stopped."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.diagnosis.clues import Clues
from hosttune.model import Listener, Program

_FAST = 2
"""So many times as many come as are accepted: then a longer queue only puts the end off."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many a listener's program accepts in a second, and how many come: SYNs, those that are sent again too."""

    accepted: float
    came: float

    @property
    def slow(self) -> bool:
        """Say whether a queue of any length fills: it accepts, and far more come."""
        return 0 < self.accepted * _FAST <= self.came

    def lasts(self, room: int) -> float:
        """Return for how many seconds a queue with so much room takes what comes."""
        return room / max(self.came - self.accepted, 1e-9)


def of(clues: Clues, listener: Listener | None) -> Pace | None:
    """Return how fast a full queue is emptied and filled, as the kernel counts it; None where it is not known.

    Of a queue that stays full each accept() lets one more in (Tcp.PassiveOpens), ListenDrops are those turned away.
    Both are of all listeners: no other one may have taken any.
    """
    made, dropped = clues.rates.moved("Tcp.PassiveOpens"), clues.rates.moved("TcpExt.ListenDrops")
    if listener is None or listener.queue <= listener.backlog or made is None or dropped is None:
        return None
    if made and any(o.port != listener.port and (o.accepted or o.queue) for o in clues.listeners):
        return None
    return Pace(made / clues.rates.seconds, (made + dropped) / clues.rates.seconds)


def faster(owner: Program | None) -> str:
    """Return what makes a program take more of its queue."""
    who = str(owner) if owner else "the program"
    return (
        f"let {who} accept faster: more threads or processes that accept (SO_REUSEPORT), less work before the next "
        "accept()"
    )
