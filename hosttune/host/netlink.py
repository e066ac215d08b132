"""Questions to the kernel by netlink(7): every wait for an answer has an end, and every answer a bound and a check.

include/uapi/linux/netlink.h. An answer is a buffer of messages; the one that ends it, an error among them, is told from
those that hold rows by its type alone.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
HEADER = 16  # struct nlmsghdr
NOOP, ERROR, DONE, OVERRUN = 1, 2, 3, 4  # NLMSG_*
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR
_MOST_ERRNO = 4095  # MAX_ERRNO, include/linux/err.h

PATIENCE = 5.0
"""Seconds until the kernel has answered: it does so within the call that asks."""
LONGEST = 60.0
"""Seconds of one dump in all; a million sockets take one to two."""
LARGEST = 4 << 30
"""Bytes of one dump: some 40 million sockets."""
_MESSAGE = struct.Struct("=IHH").unpack_from
_ATTRIBUTE = struct.Struct("=HH").unpack_from
_TRIES = 4  # of a dump whose table changes while it is read

Answer = TypeVar("Answer")


class ChangedError(OSError):
    """The table changed while it was dumped, so that rows may be missing or twice."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "it changed while it was read")


def opened(protocol: int) -> socket.socket:
    """Return a bound socket whose calls end after PATIENCE seconds; raises OSError."""
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    try:
        link.settimeout(PATIENCE)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        link.bind((0, 0))
    except BaseException:
        link.close()
        raise
    return link


def datagrams(link: socket.socket, size: int, most: int = LARGEST) -> Iterator[bytes]:
    """Yield the kernel's buffers, each whole, as long as somebody takes them; raises OSError.

    All together have at most `most` bytes. What another process sends is passed over.
    """
    start, total = time.monotonic(), 0
    while True:
        try:
            data, _, flags, sender = link.recvmsg(size)
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from error
        total += len(data)
        if total > most or time.monotonic() > start + LONGEST:
            raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
        if isinstance(sender, tuple) and sender[0] != 0:
            continue
        if flags & socket.MSG_TRUNC:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        if not data:
            raise _malformed()
        yield data


def parts(data: bytes, *, consistent: bool = False) -> Iterator[tuple[int, int, int]]:
    """Yield type, beginning and end of each message with rows of a buffer, and DONE at the end of a dump.

    Raises OSError for an error message, lost messages and what is no message; with `consistent` ChangedError too.
    """
    at = 0
    while at < len(data):
        if len(data) - at < HEADER:
            raise _malformed()
        length, kind, flags = _MESSAGE(data, at)
        if not HEADER <= length <= len(data) - at:
            raise _malformed()
        if consistent and flags & _INTERRUPTED:
            raise ChangedError
        if kind == OVERRUN:
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        if kind in (ERROR, DONE):
            _raise_code(data, at, length, kind)
            yield kind, at, at + length
            return
        if kind != NOOP:
            yield kind, at, at + length
        at += (length + 3) & ~3


def messages(link: socket.socket, size: int, *, consistent: bool = False) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield type, buffer, and span there of each message until the dump ends; raises OSError.

    A span is that of the whole message, its struct nlmsghdr of 16 bytes included; `size` is read at once.
    """
    for data in datagrams(link, size):
        for kind, at, end in parts(data, consistent=consistent):
            if kind == DONE:
                return
            yield kind, data, at, end


def steady(read: Callable[[], Answer]) -> Answer:
    """Return what a dump gives, read again where its table changed meanwhile; raises OSError."""
    for _ in range(_TRIES - 1):
        try:
            return read()
        except ChangedError:
            continue
    return read()


def attributes(data: bytes, at: int, end: int, mask: int = 0x3FFF) -> dict[int, bytes]:
    """Return the attributes of a span by their type (NLA_TYPE_MASK), those that do not fit into it left out."""
    values: dict[int, bytes] = {}
    while at + 4 <= end:
        length, kind = _ATTRIBUTE(data, at)
        if not 4 <= length <= end - at:
            break
        values[kind & mask] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return values


def routing(ask: Callable[[Any], Answer]) -> Answer:
    """Return what a function gives that asks pyroute2's IPRoute; raises OSError, also where that takes too long.

    It runs in a thread of its own, which is in the same network namespace: releases of pyroute2 differ in what of them
    waits, and none of them has an end to it.
    """
    from pyroute2 import IPRoute, NetlinkError

    answers: list[Answer] = []
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            with IPRoute() as link:
                answers.append(ask(link))
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONGEST)
    if thread.is_alive():
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    if not wrong:
        return answers[0]
    error = wrong[0]
    if isinstance(error, NetlinkError) and not isinstance(error, OSError):
        raise OSError(int(error.code or errno.EIO), str(error)) from error
    raise error


def _raise_code(data: bytes, at: int, length: int, kind: int) -> None:
    """Raise what an error message, or the end of a dump, says went wrong (struct nlmsgerr, net/netlink/af_netlink.c).

    A dump that is over says 0; an error message that says 0 answers no question for rows.
    """
    if length < HEADER + 4:
        if kind == DONE:
            return
        raise _malformed()
    code = -struct.unpack_from("=i", data, at + HEADER)[0]
    if kind == DONE and code <= 0:
        return
    if not 0 < code <= _MOST_ERRNO:
        raise _malformed()
    raise OSError(code, os.strerror(code))


def _malformed() -> OSError:
    return OSError(errno.EPROTO, os.strerror(errno.EPROTO))
