"""A user has all inotify instances that it may have: a real `tail -f` of that user falls back to polling.

The user is one of its own, so that nobody else of the host is short of them.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import made

CAUSE = "inotify"
WHERE = "netns"
UNTRIED = "the limit is of the whole host"
USER = 54_321
_CODE = f"""
import ctypes, os, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
libc = ctypes.CDLL(None, use_errno=True)
os.setresuid(*[{USER}] * 3)
while libc.inotify_init1(0) >= 0:
    pass
print(ctypes.get_errno(), flush=True)
import sys
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with tempfile.NamedTemporaryFile(suffix=".log") as log, made.child(_CODE) as errno:
        assert errno == "24", errno
        with subprocess.Popen(["tail", "-f", "/etc/passwd"], stdout=subprocess.DEVNULL, stderr=log, user=USER) as tail:
            try:
                made.until(lambda: b"polling" in Path(log.name).read_bytes(), "tail has its watch")
                yield ["--pid", str(tail.pid), "--log", log.name]
            finally:
                tail.kill()
