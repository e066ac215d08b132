"""The files of the whole host were at fs.file-max a moment ago, the kernel said so, and now there is room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis.scenes import file_max_full

CAUSE = ""
DECOY_OF = "file-max"
WHERE = "guest"


@contextmanager
def scene() -> Iterator[list[str]]:
    with file_max_full.scene():
        pass
    yield []
