"""The files of the whole host are at fs.file-max: a service without privileges gets ENFILE."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "file-max"
WHERE = "guest"
_CODE = """
import socket
kept = []
try:
    while True:
        kept.append(socket.socket())
except OSError as error:
    print(error.errno, flush=True)
sys.stdin.read()
"""


_MORE = """
print(sum(bool(socket.socket()) for _ in range(600)), flush=True)
"""


def _gone() -> str:
    with made.child(limited.PLAIN + _MORE) as opened:
        return made.went(opened == "600")


@contextmanager
def scene() -> Iterator[list[str]]:
    limit = {"fs/file-max": limited.open_files() + 400}
    with limited.sysctls(limit), made.child(limited.PLAIN + _CODE) as errno:
        assert errno == "23", errno
        yield made.Stall(gone=_gone)
