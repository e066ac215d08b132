"""A user's connections need more epoll watches than fs.epoll.max_user_watches: ENOSPC, as only the program knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "epoll"
WHERE = "guest"
_CODE = """
import select, socket
kept, epoll = [], select.epoll()
try:
    while True:
        kept.append(socket.create_connection(("127.0.0.1", 1886)))
        epoll.register(kept[-1], select.EPOLLIN)
except OSError as error:
    print(error.errno, flush=True)
sys.stdin.read()
"""


_MORE = """
epoll, kept = select.epoll(), [socket.socket() for _ in range(150)]
print(sum(epoll.register(one, select.EPOLLIN) is None for one in kept), flush=True)
"""


def _gone() -> str:
    """Watch half as many again with one user, beside those that are watched already."""
    with made.child(limited.PLAIN + _MORE) as watched:
        return made.went(watched == "150")


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(("127.0.0.1", 1886))
    try:
        with (
            limited.sysctls({"fs/epoll/max_user_watches": 100}),
            made.child(limited.PLAIN + _CODE) as errno,
        ):
            assert errno == "28", errno
            yield made.Stall("--errno", "ENOSPC", "--call", "epoll_ctl", gone=_gone)
    finally:
        made.close(server)
