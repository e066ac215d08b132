"""Which boot of the kernel this is, and which network namespace: a runtime value belongs to one of each."""

from __future__ import annotations

import os
import socket
import sys
from typing import TypedDict

_NETNS_COOKIE = 71  # asm-generic/socket.h


class Instance(TypedDict):
    """The boot's id (random(4)), and of the network namespace device, inode and cookie (namespaces(7))."""

    boot: str
    namespace: str


def run() -> Instance:
    """Return them; raises OSError.

    An inode is given again to a later namespace; a cookie is not (SO_NETNS_COOKIE, net/core/sock.c, Linux 5.14).
    """
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    status = os.stat("/proc/thread-self/ns/net")
    return {"boot": boot, "namespace": f"{status.st_dev}:{status.st_ino}:{_cookie()}"}


def _cookie() -> str:
    try:
        with socket.socket() as sock:
            return str(int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _NETNS_COOKIE, 8), sys.byteorder))
    except OSError:
        return ""
