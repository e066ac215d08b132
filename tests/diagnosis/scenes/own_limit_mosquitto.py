"""mosquitto with max_connections, whose configuration is named: the very line is the cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis.scenes import own_limit

CAUSE = "own-limit"
WHERE = "netns"
NEEDS = ("mosquitto",)


@contextmanager
def scene() -> Iterator[list[str]]:
    with own_limit.full() as (_, _, path):
        yield ["--backends-from", str(path), "--process-name", "mosquitto"]
