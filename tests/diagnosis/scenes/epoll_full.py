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


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(("127.0.0.1", 1886))
    try:
        with (
            limited.sysctls({"fs/epoll/max_user_watches": 100}),
            made.child(limited.PLAIN + _CODE) as errno,
        ):
            assert errno == "28", errno
            yield ["--errno", "ENOSPC", "--call", "epoll_ctl"]
    finally:
        made.close(server)
