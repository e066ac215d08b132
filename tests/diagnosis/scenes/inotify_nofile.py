"""A process at its own limit of descriptors cannot make an inotify instance: the words are those of inotify."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import made

CAUSE = "nofile"
WHERE = "netns"
UNTRIED = "nothing is served"
_CODE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
kept = []
try:
    while True:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    made = libc.inotify_init1(0)
    print(os.getpid(), ctypes.get_errno(), flush=True)
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with tempfile.NamedTemporaryFile(suffix=".log") as log, made.child(_CODE, nofile=64) as line:
        pid, errno = line.split()
        assert errno == "24", line
        Path(log.name).write_text("mqttd: inotify_init1: Too many open files\n")
        yield ["--pid", pid, "--log", log.name]
