"""Carry out forecasts within a budget of time and memory, each in a namespace of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from hosttune import registry
from hosttune.model import Proof, Reason, Unknown
from hosttune.model.progress import Step
from hosttune.proofs.arena import Arena
from hosttune.proofs.child import Failed
from hosttune.proofs.proof_setup import Forecast, Setup


def names() -> tuple[str, ...]:
    """Return the experiments in the order in which they are reported: by RANK of the module."""
    modules = registry.names("hosttune.proofs.experiments")
    return tuple(sorted(modules, key=lambda name: registry.load("hosttune.proofs.experiments", name).RANK))


def prove(setup: Setup, only: Sequence[str], progress: Callable[[Step | None], object]) -> tuple[Proof, ...]:
    """Return a proof of each forecast of the experiments named; the quick ones are made first.

    Each has all the time that is left: how long it takes is foretold of a quick machine that does nothing else.
    """
    foretold = [
        (name, forecast)
        for name in names()
        if name in only
        for forecast in registry.load("hosttune.proofs.experiments", name).predict(setup)
    ]
    until = time.monotonic() + setup.budget
    made: dict[str, Proof] = {}
    order = sorted(foretold, key=lambda pair: pair[1].seconds)
    left = sum(forecast.seconds for _, forecast in order if isinstance(forecast.predicted, int))
    for number, (name, forecast) in enumerate(order):
        progress(Step(forecast.what, number, len(order), left=min(left, until - time.monotonic())))
        made[forecast.id] = _prove(setup, name, forecast, until)
        left -= forecast.seconds if isinstance(forecast.predicted, int) else 0.0
    progress(None)
    return tuple(made[forecast.id] for _, forecast in foretold)


def _prove(setup: Setup, name: str, forecast: Forecast, until: float) -> Proof:
    left = until - time.monotonic()
    why = "" if isinstance(forecast.predicted, int) else str(forecast.predicted)
    if isinstance(forecast.predicted, int) and forecast.seconds > left:
        need = math.ceil(setup.budget - max(left, 0) + forecast.seconds)
        why = f"takes about {forecast.seconds:,.0f} s, of the budget {max(left, 0):,.0f} s are left: --budget {need}s"
    elif forecast.memory > setup.memory // 2:
        why = f"takes {forecast.memory / 2**30:,.1f} GiB, more than half of the memory that is free"
    if why:
        return as_proof(forecast, Unknown(Reason.UNDECIDED, why), "", 0.0)
    start = time.monotonic()
    try:
        with Arena() as arena:
            answer = arena.measure(name, left, **forecast.args)
    except (Failed, OSError) as error:
        return as_proof(forecast, Unknown(Reason.UNDECIDED, str(error)), "", time.monotonic() - start)
    notes = tuple(answer.get("notes", ()))
    return as_proof(forecast, answer["measured"], answer.get("failed", ""), time.monotonic() - start, notes)


def as_proof(
    forecast: Forecast, measured: int | Unknown, failed: str, seconds: float, notes: tuple[str, ...] = ()
) -> Proof:
    """Return a forecast and what was measured as one value."""
    return Proof(
        id=forecast.id,
        what=forecast.what,
        setting=forecast.setting,
        predicted=forecast.predicted,
        measured=measured,
        unit=forecast.unit,
        accepts=forecast.accepts,
        tolerance=forecast.tolerance,
        fails=forecast.fails,
        failed=failed,
        seconds=round(seconds, 3),
        notes=forecast.notes + notes,
    )
