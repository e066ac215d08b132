"""Many sockets over several processes, each below its descriptor limit; they stay open until the crowd is gone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hosttune.proofs import kernel_settings
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.socket_pairs import Refused, close

Attempt = Callable[[int, list[Any]], socket.socket]
"""Make the connection of a number; what it appends to the list comes back. Raises Refused."""

SPARE = 32  # descriptors: the links to the other processes, and what Python opens for a moment
OWN = 1000  # sockets that this process keeps itself
MOST_WORKERS = 400


@dataclass(slots=True)
class Tally:
    """How many were made, the number of the first that was not tried, the failures by text, and what was logged."""

    made: int = 0
    next: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)

    def add(self, answer: dict[str, Any]) -> None:
        """Add what one process made."""
        self.made += answer["made"]
        self.next = answer["next"]
        self.log.extend(answer["log"])
        for text, count in answer["failures"].items():
            self.failures[text] = self.failures.get(text, 0) + count

    @property
    def failed(self) -> str:
        """How it failed, the most frequent first; "" where nothing did."""
        return ", ".join(sorted(self.failures, key=lambda text: (-self.failures[text], text)))


class Crowd:
    """Processes that hold sockets; `own`: the first few are of this one, for a small
    experiment needs no other.
    """

    def __init__(self) -> None:
        self._workers: list[Child] = []
        self.own: list[socket.socket] = []

    def run(
        self, attempt: Attempt, start: int = 0, stop: int = 1 << 30, patient: bool = False, seconds: float = 600
    ) -> Tally:
        """Make connections start to stop, until the first is refused; `patient` counts refusals and goes on."""
        tally = Tally(next=start)
        until = time.monotonic() + seconds
        if not self._workers:
            # workers inherit what is open here, and so must come later and go first
            tally.add(_work(attempt, self.own, min(OWN, kernel_settings.raise_nofile() - SPARE), start, stop, patient))
        while tally.next < stop and (patient or not tally.failures):
            if len(self._workers) == MOST_WORKERS:
                raise Failed(f"more than {MOST_WORKERS} processes would be needed: raise the hard nofile limit")
            worker = Child(lambda question: _be_worker(attempt, **question))
            self._workers.append(worker)
            tally.add(worker.ask(until - time.monotonic(), start=tally.next, stop=stop, patient=patient))
        return tally

    def end(self) -> None:
        """End all processes; their sockets go with them."""
        while self._workers:
            self._workers.pop().end()
        close(self.own)


_kept: list[socket.socket] = []


def _be_worker(attempt: Attempt, start: int, stop: int, patient: bool) -> dict[str, Any]:
    room = kernel_settings.raise_nofile() - SPARE
    if room < 1:
        raise Failed("no descriptor is left for a single connection: raise the hard nofile limit")
    return _work(attempt, _kept, room, start, stop, patient)


def _work(
    attempt: Attempt, kept: list[socket.socket], room: int, number: int, stop: int, patient: bool
) -> dict[str, Any]:
    """Make connections until there is no room for more, and keep them."""
    failures: dict[str, int] = {}
    log: list[Any] = []
    before = len(kept)
    while number < stop and len(kept) < room:
        number += 1
        try:
            kept.append(attempt(number - 1, log))
        except Refused as error:
            failures[str(error)] = failures.get(str(error), 0) + 1
            if not patient:
                break
    return {"made": len(kept) - before, "next": number, "failures": failures, "log": log}
