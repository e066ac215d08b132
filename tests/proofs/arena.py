"""A private namespace for the tests; where there can be none, CI fails and anybody else skips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.model import Proof
from hosttune.proofs import proof_setup, running
from hosttune.proofs.arena import Arena
from hosttune.proofs.child import Failed
from hosttune.proofs.proof_setup import Forecast, Setup
from tests import needs

SECONDS = 90.0


@contextmanager
def arena() -> Iterator[Arena]:
    try:
        entered = Arena().__enter__()
    except Failed as error:
        needs.missing(str(error))
        raise
    try:
        yield entered
    finally:
        entered.__exit__(None, None, None)


def proof(experiment: str, forecast: Forecast, here: Arena | None = None) -> Proof:
    """Return what became of a forecast, in this namespace or one of its own."""
    if here is None:
        with arena() as fresh:
            return proof(experiment, forecast, fresh)
    answer = here.measure(experiment, SECONDS, **forecast.args)
    return running.as_proof(forecast, answer["measured"], answer["failed"], 0.0, tuple(answer.get("notes", ())))


def setup(**changes: object) -> Setup:
    """Return a host of defaults, changed."""
    from hosttune.facts.pool import Settings
    from hosttune.model import BindMode

    values: dict[str, object] = {
        "sysctls": {},
        "settings": Settings(32768, 60999, 0, 2, True),
        "reserved": "",
        "pairs": proof_setup.examples(1, 1),
        "mode": BindMode.CONNECT,
        "bind_range": None,
        "held": (),
        "named": False,
        "ipv6": True,
        "memory": 8 << 30,
        "nofile": (1000, 4000),
        "root": os.geteuid() == 0,
        "budget": 60.0,
    }
    return Setup(**(values | changes))  # type: ignore[arg-type]
