"""A program in a control group needs more memory than that allows: it is killed, started and killed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "memory"
WHERE = "guest"
_CODE = """
kept = bytearray(64 << 20)
print("enough", flush=True)
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with limited.group({"memory.max": 16 << 20}) as group:

        def live() -> None:
            with made.child(limited.JOIN + _CODE, str(group)) as said:
                assert not said, said

        live()
        with made.meanwhile(live):
            yield []
