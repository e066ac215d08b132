"""Many network namespaces with connections in each, for a while: made by a few processes, gone with them.

Takes a mount namespace of its own, in whose /run the names are, and a pid namespace that ends them all.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

EACH = 10
"""Namespaces of one process, whose limit of descriptors they share."""

_NEWNET, _BIND = 0x40000000, 4096  # sched.h, mount.h
_SIOCSIFFLAGS, _UP = 0x8914, 0x41  # IFF_UP | IFF_RUNNING
_LIBC = ctypes.CDLL(None, use_errno=True)
GOAL = ("127.0.0.1", 1883)


def unshared(name: str) -> None:
    """Put this process into a new network namespace with lo up, and a name."""
    _done(_LIBC.unshare(_NEWNET))
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _UP))
    path = Path("/run/netns", name)
    path.touch()
    _done(_LIBC.mount(b"/proc/thread-self/ns/net", str(path).encode(), None, _BIND, None))


def _done(code: int) -> None:
    if code:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def connected(sockets: int) -> list[socket.socket]:
    """Return so many sockets in here, half of them without a descriptor: they wait to be accepted."""
    server = socket.create_server(GOAL, backlog=sockets)
    held = [server]
    for _ in range((sockets - 1) // 2):
        held.append(client := socket.socket())
        client.connect(GOAL)
    return held


@contextlib.contextmanager
def made(namespaces: int, sockets: int) -> Iterator[None]:
    """Have namespaces crowd-0, crowd-1, ... with so many sockets each."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()
    ready, end = os.pipe(), os.pipe()
    children = []
    for first in range(0, namespaces, EACH):
        child = os.fork()
        if not child:
            os.close(end[1])
            code = 1
            try:
                held = []
                for number in range(first, min(first + EACH, namespaces)):
                    unshared(f"crowd-{number}")
                    held += connected(sockets)
                os.write(ready[1], b"1")
                os.read(end[0], 1)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(ready[1])
    try:
        answered = 0
        while answered < len(children):
            got = os.read(ready[0], 64)
            assert got, "a process that makes namespaces has failed"
            answered += len(got)
        yield
    finally:
        os.close(end[1])
        for child in children:
            os.waitpid(child, 0)
        subprocess.run(["umount", "--recursive", "--lazy", "/run"], check=True)
