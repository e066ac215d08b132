"""Many sockets over several processes, each below its descriptor limit; they stay open until the crowd is gone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hosttune.proofs import _kernel
from hosttune.proofs._child import Child, Failed
from hosttune.proofs._sockets import Refused

Attempt = Callable[[int, list[Any]], socket.socket]
"""Make the connection of a number; what it appends to the list comes back. Raises Refused."""

SPARE = 32  # descriptors: the links to the other processes, and what Python opens for a moment
MOST_WORKERS = 400


@dataclass(slots=True)
class Tally:
    """How many were made, the number of the first that was not tried, the failures by text, and what was logged."""

    made: int = 0
    next: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)

    @property
    def failed(self) -> str:
        """How it failed, the most frequent first; "" where nothing did."""
        return ", ".join(sorted(self.failures, key=lambda text: (-self.failures[text], text)))


class Crowd:
    """Processes that hold sockets."""

    def __init__(self) -> None:
        self._workers: list[Child] = []

    def run(
        self, attempt: Attempt, start: int = 0, stop: int = 1 << 30, patient: bool = False, seconds: float = 600
    ) -> Tally:
        """Make connections start to stop, until the first is refused; `patient` counts refusals and goes on."""
        tally = Tally(next=start)
        until = time.monotonic() + seconds
        while tally.next < stop and (patient or not tally.failures):
            if len(self._workers) == MOST_WORKERS:
                raise Failed(f"more than {MOST_WORKERS} processes would be needed: raise the hard nofile limit")
            worker = Child(lambda question: _work(attempt, question))
            self._workers.append(worker)
            asked = {"start": tally.next, "stop": stop, "patient": patient}
            answer = worker.ask(until - time.monotonic(), **asked)
            tally.made += answer["made"]
            tally.next = answer["next"]
            tally.log.extend(answer["log"])
            for text, count in answer["failures"].items():
                tally.failures[text] = tally.failures.get(text, 0) + count
        return tally

    def end(self) -> None:
        """End all processes; their sockets go with them."""
        while self._workers:
            self._workers.pop().end()


_kept: list[socket.socket] = []


def _work(attempt: Attempt, question: dict[str, Any]) -> dict[str, Any]:
    """Be a worker: make connections until the descriptors are used up, and keep them."""
    room = _kernel.raise_nofile() - SPARE
    number, stop, patient = question["start"], question["stop"], question["patient"]
    failures: dict[str, int] = {}
    log: list[Any] = []
    if room < 1:
        raise Failed("no descriptor is left for a single connection: raise the hard nofile limit")
    while number < stop and len(_kept) < room:
        number += 1
        try:
            _kept.append(attempt(number - 1, log))
        except Refused as error:
            failures[str(error)] = failures.get(str(error), 0) + 1
            if not patient:
                break
    return {"made": len(_kept), "next": number, "failures": failures, "log": log}
