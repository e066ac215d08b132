"""The soft limit of a program is above fs.nr_open, where its descriptors end: EMFILE, far below its limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "nr-open"
WHERE = "guest"
_CODE = """
import socket, sys
kept = []
try:
    while True:
        kept.append(socket.socket())
except OSError as error:
    print(error.errno, flush=True)
sys.stdin.read()
"""


_MORE = """
import socket, sys
print(len([socket.socket() for _ in range(600)]), flush=True)
sys.stdin.read()
"""


def _gone() -> str:
    with made.child(_MORE) as opened:
        return made.went(opened == "600")


@contextmanager
def scene() -> Iterator[list[str]]:
    with limited.sysctls({"fs/nr_open": 500}), made.child(_CODE) as errno:
        assert errno == "24", errno
        yield made.Stall(gone=_gone)
