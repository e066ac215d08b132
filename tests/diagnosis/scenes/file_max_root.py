"""A program with CAP_SYS_ADMIN has more files open than fs.file-max allows others: it is not held to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "file-max"
WHERE = "guest"
_CODE = """
import os, socket, sys
kept = [socket.socket() for _ in range(800)]
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with limited.sysctls({"fs/file-max": limited.open_files() + 400}), made.child(_CODE) as pid:
        assert limited.open_files() > made.integer("fs/file-max")
        yield ["--pid", pid]
