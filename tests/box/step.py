"""One comparison of a run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What was predicted beside what was measured."""

    what: str
    predicted: str
    measured: str
    holds: bool


def written(step: Step) -> str:
    """Return a step as a line of JSON."""
    return json.dumps(asdict(step))


def read(line: str) -> Step:
    """Return the step of such a line."""
    return Step(**json.loads(line))
