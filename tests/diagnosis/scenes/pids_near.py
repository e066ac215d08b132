"""A program with a thread for each connection, in a control group that it fills to three quarters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis.scenes import pids_full

CAUSE = ""
DECOY_OF = "pids"
WHERE = "guest"


@contextmanager
def scene() -> Iterator[list[str]]:
    with pids_full.threads(80, 60) as options:
        yield options
