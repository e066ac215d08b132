"""A host talks to peers on a link that fill three fifths of its table of neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis.scenes import neighbours_full

CAUSE = ""
DECOY_OF = "neighbours"
WHERE = "guest"


@contextmanager
def scene() -> Iterator[list[str]]:
    with neighbours_full.peers(9, 8) as options:
        yield options
