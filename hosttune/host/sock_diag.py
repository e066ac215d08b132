"""The kernel's dump of TCP sockets, buffer by buffer, and what it may leave out of it.

sock_diag(7), include/uapi/linux/inet_diag.h, net/ipv4/inet_diag.c. No object is made for a socket: a buffer of messages
of one length is cut into columns.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import NotRequired, TypedDict, TypeVar

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import netlink, proc_net
from hosttune.host.answers import Address, Interface, Port
from hosttune.model import Reason

BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
SMALLEST = 88  # struct nlmsghdr and struct inet_diag_msg
OWNERS = {kernel.LISTEN, kernel.CLOSE}  # a bound socket that is nothing else yet comes back as CLOSE
# full sockets answer with one length, TIME_WAIT and its like with another: asked apart, each buffer is uniform
FULL = sum(
    1 << state
    for state in (
        *(kernel.ESTABLISHED, kernel.SYN_SENT, kernel.FIN_WAIT1),
        *(kernel.CLOSE_WAIT, kernel.LAST_ACK, kernel.CLOSING),
    )
)
SMALL = 1 << kernel.SYN_RECV | 1 << kernel.FIN_WAIT2 | 1 << kernel.TIME_WAIT
FAMILIES = ((socket.AF_INET, (6, 10), 1), (socket.AF_INET6, (6, 7, 8, 9, 10, 11, 12, 13), 4))
"""Of each family the 32-bit words of a message that hold source and destination, and how many make an address."""
DEVICE = 14
"""The word that holds the number of the interface that a socket is bound to (idiag_if), 0 for none."""

JMP, _S_GE, _S_LE, _D_LE, _D_COND, S_EQ = 1, 2, 3, 5, 8, 11  # INET_DIAG_BC_*; S_EQ since Linux 4.16
NO_DESTINATION = (_D_LE, struct.pack("=BBH", 0, 0, 0))  # destination port 0: bound or listening
LONGEST_FILTER = 1 << 14
"""Bytes of bytecode: an attribute holds 64 KiB, and each socket is put to all of it."""

_NETLINK_SOCK_DIAG = 4
_SIZE = 1 << 18
_SKV6ONLY = 11  # INET_DIAG_SKV6ONLY
_MAPPED = bytes(10) + b"\xff\xff"
# no module for the protocol, no sock_diag, no netlink at all: net/core/sock_diag.c, net/netlink/af_netlink.c
_MISSING = (errno.ENOENT, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP)

Link = socket.socket | None
"""Where the kernel is asked; None: it has no sock_diag, and /proc is read."""
Condition = tuple[int, bytes]
Found = TypeVar("Found")


def asked(read: Callable[[Link], Found]) -> Found:
    """Return what a function reads of the kernel's sockets; raises HostError.

    It is given a link to sock_diag, and once more none where the kernel turns out to have no such thing.
    """
    try:
        try:
            return _with_link(read)
        except OSError as error:
            if error.errno not in _MISSING:
                raise
        return read(None)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"sock_diag: {os.strerror(error.errno or 0)}") from error


def _with_link(read: Callable[[Link], Found]) -> Found:
    with netlink.opened(_NETLINK_SOCK_DIAG) as link:
        return read(link)


@contextlib.contextmanager
def apart(link: Link) -> Iterator[Link]:
    """Give another link of the same kind: a dump that is left early goes with it."""
    if link is None:
        yield None
        return
    with netlink.opened(_NETLINK_SOCK_DIAG) as other:
        yield other


class Limited(TypedDict):
    """What an answer has to say of itself where it comes from /proc: what is not seen."""

    limited: NotRequired[str]


def limited(link: Link) -> Limited:
    """Return what an answer has to say of itself."""
    return {"limited": proc_net.LIMITED} if link is None else {}


def in_use(family: int) -> bool:
    """Say whether a family may have TCP sockets other than in TIME_WAIT, or FIN_WAIT2 and only a timer.

    Each question walks the table of both families: to find none of IPv6 takes as long as to find all (net/ipv4/proc.c,
    net/ipv6/proc.c: `inuse` are those that are hashed, tcp_timewait_sock aside).
    """
    name, field = ("sockstat", "TCP") if family == socket.AF_INET else ("sockstat6", "TCP6")
    try:
        with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
            return f"{field}: inuse 0" not in (" ".join(line.split()[:3]) for line in file)
    except OSError:
        return True


def dump(
    link: Link,
    family: int,
    states: int,
    filters: bytes = b"",
    dport: int = 0,
    extensions: int = 0,
    attributes: bytes = b"",
) -> Iterator[tuple[bytes, int]]:
    """Yield each buffer of a dump with the length of its messages, 0 where they differ; raises OSError.

    `filters` is bytecode, `dport` a destination's port; /proc knows neither, and gives all. `extensions` are the
    attributes that are asked for, bit N - 1 for attribute N, `attributes` more of the question's own, as they are sent.
    """
    if link is None:
        yield from proc_net.dump(family, states)
        return
    attribute = struct.pack("=HH", 4 + len(filters), 1) + filters if filters else b""
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, extensions, 0, states)
    body += struct.pack("!HH", 0, dport) + bytes(36) + b"\xff" * 8 + attribute + attributes
    link.send(struct.pack("=IHHII", 16 + len(body), BY_FAMILY, netlink.REQUEST_DUMP, 1, 0) + body)
    for data in netlink.datagrams(link, _SIZE):
        stride = _stride(data)
        # a buffer of sockets alike holds neither the end nor an error; in any other each message is looked at
        over = not stride and netlink.DONE in [kind for kind, _, _ in netlink.parts(data)]
        yield data, stride
        if over:
            return


def _stride(data: bytes) -> int:
    """Return the length of every message of a buffer where they are alike and each one is a socket, else 0.

    An error message echoes the request, and may be as long as a socket's.
    """
    stride = int.from_bytes(data[:4], sys.byteorder)
    if stride < SMALLEST or stride % 4 or len(data) % stride:
        return 0
    count = len(data) // stride
    if array("I", data)[:: stride // 4].count(stride) != count:
        return 0
    return stride if array("H", data)[2 :: stride // 2].count(BY_FAMILY) == count else 0


def runs(data: bytes, stride: int, held: list[Held] | None) -> Iterable[tuple[int, bytes]]:
    """Return runs of connected sockets' messages of one length; bound and listening ones go to `held`.

    A buffer that is such a run already is not copied.
    """
    if stride and not OWNERS & set(data[17::stride]):
        return [(stride, data)]
    groups: dict[int, list[bytes]] = {}
    for start, length in sockets(data):
        if data[start + 17] not in OWNERS:
            # cut to a whole number of words, as the columns are
            groups.setdefault(length & ~3, []).append(data[start : start + (length & ~3)])
        elif held is not None:
            held.append(hold(data, start, length))
    return [(length, b"".join(parts)) for length, parts in groups.items()]


def sockets(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield beginning and length of each message that is a socket's; raises OSError as `_netlink.parts`."""
    for kind, at, end in netlink.parts(data):
        if kind == BY_FAMILY and end - at >= SMALLEST:
            yield at, end - at


class Held(TypedDict):
    """A bound or listening socket; `device` is the interface or VRF that it is bound to, if to one."""

    address: Address
    port: Port
    listen: bool
    v6only: bool
    device: NotRequired[Interface]


def hold(data: bytes, start: int, length: int) -> Held:
    """Return a bound or listening socket."""
    size = 4 if data[start + 16] == socket.AF_INET else 16
    bound = device(struct.unpack_from("=I", data, start + 4 * DEVICE)[0])
    held: Held = {
        "address": readable(data[start + 24 : start + 24 + size]),
        "port": struct.unpack_from("!H", data, start + 20)[0],
        "listen": data[start + 17] == kernel.LISTEN,
        "v6only": size == 16 and any(netlink.attributes(data, start + SMALLEST, start + length).get(_SKV6ONLY, b"")),
    }
    return held | {"device": bound} if bound else held


def device(number: int) -> str:
    """Return an interface's name by its number, "" for 0; one that is gone is named by its number."""
    if not number:
        return ""
    try:
        return socket.if_indextoname(number)
    except OSError:
        return f"#{number}"[:15]


def towards(backends: Iterable[tuple[bytes, int]], family: int) -> list[Condition]:
    """Return what a socket's destination must equal; a v4 condition matches v4-mapped v6 sockets too."""
    conditions = []
    for packed, port in backends:
        kind = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
        if kind == socket.AF_INET or family == socket.AF_INET6:
            conditions.append((_D_COND, struct.pack("=BBHi", kind, len(packed) * 8, 0, port) + packed))
    return conditions


def ports(destinations: Iterable[int]) -> list[Condition]:
    """Return the same for the destination's port alone: a condition without a prefix asks for no address."""
    return [(_D_COND, struct.pack("=BBHi", socket.AF_UNSPEC, 0, 0, port)) for port in sorted(destinations)]


def between(low: int, high: int) -> bytes:
    """Return bytecode that accepts a local port within a range; what jumps 4 beyond the end is rejected."""
    return struct.pack("=BBHBBHBBHBBH", _S_GE, 8, 20, 0, 0, low, _S_LE, 8, 12, 0, 0, high)


def either(conditions: list[Condition]) -> bytes:
    """Return bytecode that accepts a socket where any condition holds.

    Each condition falls through to a jump to the end, or skips that jump to the next one; the last one ends it.
    """
    sizes = [4 + len(operand) for _, operand in conditions]
    end = sum(sizes) + 4 * (len(sizes) - 1) if sizes else 0
    code = bytearray()
    for size, (operation, operand) in zip(sizes, conditions, strict=True):
        code += struct.pack("=BBH", operation, size, size + 4) + operand
        if len(code) < end:
            code += struct.pack("=BBH", JMP, 4, end - len(code))
    return bytes(code)


def address(words: tuple[int, ...]) -> str:
    """Return an address of 32-bit words as people write it."""
    return readable(struct.pack(f"={len(words)}I", *words))


def readable(packed: bytes) -> str:
    """Return an address of bytes as people write it; a v4-mapped one is that of IPv4."""
    if len(packed) == 16 and packed[:12] == _MAPPED:
        packed = packed[12:]
    return str(ipaddress.ip_address(packed))
