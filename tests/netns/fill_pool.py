"""Connect to one address until no port is left, with as many processes as their descriptors take; print how many.

python fill_pool.py ADDRESS PORT
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import struct
import sys

LISTENERS = 24
"""Sockets of one port whose queues hold what nobody accepts: 4,096 each where somaxconn is the kernel's."""
SPARE = 64
CLIENTS = 8


def main(address: str, port: int) -> None:
    listeners = [_listener(address, port) for _ in range(LISTENERS)]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    done, tell = os.pipe()
    ended, end = os.pipe()
    children = []
    for _ in range(CLIENTS):
        pid = os.fork()
        if not pid:
            os.close(end)
            _client((address, port), most - SPARE - LISTENERS, tell, ended)
        children.append(pid)
        count, errno = struct.unpack("ii", os.read(done, 8))
        print(count, errno, flush=True)
        if errno:
            break
    os.close(end)
    for pid in children:
        os.waitpid(pid, 0)
    for listener in listeners:
        listener.close()


def _listener(address: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(4096)
    return listener


def _client(server: tuple[str, int], most: int, tell: int, ended: int) -> None:
    kept, errno = [], 0
    for _ in range(most):
        client = socket.socket()
        try:
            client.connect(server)
        except OSError as error:
            errno = error.errno or -1
            break
        kept.append(client)
    os.write(tell, struct.pack("ii", len(kept), errno))
    with contextlib.suppress(OSError):
        os.read(ended, 1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
