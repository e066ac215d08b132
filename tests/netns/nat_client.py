"""Connects in a row until a SYN is lost, then until its NAT has no port left: the client of test_nat_kernel.py."""

from __future__ import annotations

import resource
import select
import socket
import struct
import sys
import time

_LOST = 0.9  # s: a SYN that is lost is sent again after 1 s
_AT_ONCE = 250
_AWAY = struct.pack("ii", 1, 0)  # SO_LINGER: closed by RST, so that no TIME_WAIT is left


def main(target: tuple[str, int], ports: int) -> None:
    """Print how many got a connection before the first SYN was lost, and how many did in the end."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kept = []
    while (opened := _one(target)) is not None and len(kept) < 2 * ports:
        kept.append(opened)
    first = len(kept)
    end = time.monotonic() + 6
    idle = 0
    while idle < 3 and time.monotonic() < end:
        more = _several(target, _AT_ONCE if len(kept) < ports else 5)
        idle = 0 if more or len(kept) < ports else idle + 1
        kept += more
    print(first, len(kept), flush=True)
    sys.stdin.readline()


def _one(target: tuple[str, int]) -> socket.socket | None:
    client = _new()
    client.settimeout(_LOST)
    try:
        client.connect(target)
    except OSError:
        client.close()
        return None
    return client


def _several(target: tuple[str, int], count: int) -> list[socket.socket]:
    """Send so many SYNs at once, and return those that were answered within a moment."""
    clients = [_new() for _ in range(count)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(target)
    time.sleep(0.1)
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLOUT)
    ready = {number for number, event in poll.poll(0) if event == select.POLLOUT}
    won = [client for client in clients if client.fileno() in ready]
    for client in clients:
        if client not in won:
            client.close()
    return won


def _new() -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AWAY)
    return client


if __name__ == "__main__":
    main((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]))
