"""A user's inotify watches run out: ENOSPC, which epoll has too, with its own watches far from their limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "epoll"
WHERE = "guest"
_CODE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init()
for number in range(40):
    os.mkdir(f"/tmp/scene-{os.getpid()}-{number}")
    made = libc.inotify_add_watch(watch, f"/tmp/scene-{os.getpid()}-{number}".encode(), 2)
    if made < 0:
        break
print(ctypes.get_errno(), flush=True)
for last in range(number + 1):
    os.rmdir(f"/tmp/scene-{os.getpid()}-{last}")
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with (
        limited.sysctls({"fs/inotify/max_user_watches": 20}),
        made.child(limited.PLAIN + _CODE) as errno,
    ):
        assert errno == "28", errno
        yield ["--errno", "ENOSPC"]
