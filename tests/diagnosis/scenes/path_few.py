"""One segment of a thousand is lost on the way: that is no stall."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis.scenes import path_loss

CAUSE = ""
DECOY_OF = "path"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    with path_loss.lossy("inc mod 1000", 0) as options:
        yield options
