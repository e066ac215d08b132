"""Sockets as /proc/net/tcp and tcp6 list them, for a kernel that has no sock_diag(7): as messages of that all the same.

proc(5), net/ipv4/tcp_ipv4.c tcp4_seq_show(), net/ipv6/tcp_ipv6.c. Of each socket the same columns are there, so that
whoever counts them knows one form only. What is only bound is not listed, and neither are backlogs and IPV6_V6ONLY.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

from hosttune import kernel

LIMITED = (
    "the kernel has no inet_diag: sockets are those of /proc/net/tcp and tcp6, without ports that are bound only, and "
    "a listener on [::] counts for IPv4 too"
)
"""What to say of counts that come from here."""

NAMES: dict[int, str] = {socket.AF_INET: "tcp", socket.AF_INET6: "tcp6"}
_TIMER_WAIT = 3  # of a socket that has shrunk to a timer, get_timewait4_sock()
_MESSAGE = struct.Struct("=IHHIIBBBB2s2s16s16sI8xIIIII")  # struct nlmsghdr and struct inet_diag_msg
_BATCH = 2000


def dump(family: int, states: int) -> Iterator[tuple[bytes, int]]:
    """Yield buffers of messages of one length, and that length, for the sockets in these states; raises OSError."""
    rows: list[bytes] = []
    for row in _rows(family, states):
        rows.append(row)
        if len(rows) == _BATCH:
            yield b"".join(rows), _MESSAGE.size
            rows = []
    if rows:
        yield b"".join(rows), _MESSAGE.size


def _rows(family: int, states: int) -> Iterator[bytes]:
    # of this thread, which may have entered another namespace
    path = f"/proc/thread-self/net/{NAMES[family]}"
    if family == socket.AF_INET6 and not os.path.exists(path):
        return  # a kernel without IPv6
    with open(path, "rb") as file:
        next(file, None)  # the heads of the columns
        for line in file:
            row = message(family, line)
            if row is not None and states >> row[17] & 1:
                yield row


def message(family: int, line: bytes) -> bytes | None:
    """Return the message of one line, None where it is not one of the kernel's."""
    words = line.split()
    try:
        source, sport = _end(words[1])
        target, dport = _end(words[2])
        state = int(words[3], 16)
        unsent, unread = (int(half, 16) for half in words[4].split(b":"))
        timer, retried = int(words[5].partition(b":")[0], 16), int(words[6], 16)
        uid, inode = int(words[7]), int(words[9])
        # of a socket that is whole the timer is another one, which nobody asks for
        timer = timer if timer == _TIMER_WAIT else 0
        head = (_MESSAGE.size, 20, 0, 1, 0, family, state, timer, min(retried, 255))
        return _MESSAGE.pack(*head, sport, dport, source, target, 0, 0, unread, unsent, uid, inode)
    except (IndexError, ValueError, struct.error):
        return None


def listening(family: int, line: bytes) -> int | None:
    """Return the port of a line that is a listener's, None of any other line."""
    row = message(family, line)
    if row is None or row[17] != kernel.LISTEN:
        return None
    port: int = struct.unpack_from("!H", row, 20)[0]
    return port


def _end(text: bytes) -> tuple[bytes, bytes]:
    """Return address and port of ADDRESS:PORT, its words as the kernel has them in memory, the port in network order.

    Each word of an address is printed as a number of the host.
    """
    address, _, port = text.partition(b":")
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    return struct.pack(f"={len(words)}I", *words), struct.pack("!H", int(port, 16))
