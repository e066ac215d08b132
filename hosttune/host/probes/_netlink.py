"""A dump of netlink(7), message by message: what probes that read one as it comes have in common."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE


def messages(link: socket.socket, size: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield type, buffer, and span there of each message until the dump ends; raises OSError.

    A span is that of the whole message, its struct nlmsghdr of 16 bytes included; `size` is read at once.
    """
    while True:
        data = link.recv(size)
        at = 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind == _DONE or length < 16:
                return
            if kind == _ERROR:
                code = -struct.unpack_from("=i", data, at + 16)[0]
                raise OSError(code, os.strerror(code))
            yield kind, data, at, at + length
            at += (length + 3) & ~3
