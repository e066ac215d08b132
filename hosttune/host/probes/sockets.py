"""Count TCP sockets in the kernel's dump buffers: which local ports are taken towards which backends, and by whom.

sock_diag(7), include/uapi/linux/inet_diag.h, net/ipv4/inet_diag.c. No object is made for a socket: a buffer of
messages of one length is cut into columns, and each local port sets one byte in the map of its tuple.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from hosttune.errors import HostError
from hosttune.model import Reason

_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_JMP, _D_LE, _D_COND = 1, 5, 8  # INET_DIAG_BC_JMP and its like
_NO_DESTINATION = (_D_LE, struct.pack("=BBH", 0, 0, 0))  # destination port 0: bound or listening
_SKV6ONLY = 11  # INET_DIAG_SKV6ONLY
_ESTABLISHED, _TIME_WAIT, _LISTEN = 1, 6, 10
_OWNERS = {_LISTEN, 7}  # a bound socket that is nothing else yet comes back as CLOSE
_TIMER_WAIT = 3  # idiag_timer of a socket that has shrunk to a timer, inet_twsk_diag_fill()
_BOUND_INACTIVE = 13  # since 6.8
# full sockets answer with one length, TIME_WAIT and its like with another: asked apart, each buffer is uniform
_FULL = sum(1 << state for state in (1, 2, 4, 8, 9, 11))
_SMALL = sum(1 << state for state in (3, 5, 6))
_FAMILIES = ((socket.AF_INET, (6, 10), 1), (socket.AF_INET6, (6, 7, 8, 9, 10, 11, 12, 13), 4))
_MAPPED = bytes(10) + b"\xff\xff"

_SMALLEST = 88  # struct nlmsghdr and struct inet_diag_msg
_DIGITS = bytes([48, *[49] * 255])  # 0 to "0", the rest to "1"

Maps = dict[tuple[int, ...], bytearray]


def run(backends: list[list[Any]], whole: bool = False) -> dict[str, Any]:
    """Return the ports in use: sets are hex integers in which bit p stands for port p.

    `backends` are [address, port]. "tuples": for each source, address and port the sets `established`,
    `time_wait`, `half_closed` (FIN_WAIT2 that is only a timer any more) and `other`. "held": sockets that own a
    port by bind: `address`, `port`, `listen`, `v6only`. "local", only with `whole`: for each local address the
    ports of all its connected sockets. Raises HostError.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:  # NETLINK_SOCK_DIAG
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        try:
            link.bind((0, 0))
            held: list[dict[str, Any]] = []
            tuples = _tuples(link, backends, held)
            return {"tuples": tuples, "held": held, "local": _local(link) if whole else []}
        except OSError as error:
            raise HostError(Reason.UNREADABLE, f"sock_diag: {os.strerror(error.errno or 0)}") from error


def _tuples(link: socket.socket, backends: list[list[Any]], held: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each source and backend; append to `held` what owns a port by bind.

    Each dump walks the whole table of sockets: bound and listening ones, which have no destination port, come with
    the small ones, and of IPv6, where v4-mapped sockets are, with all.
    """
    found: dict[tuple[str, str, int], dict[str, int]] = {}
    ports = {port for _, port in backends}
    # the header's destination port is compared before any bytecode runs
    only = ports.pop() if len(ports) == 1 else 0
    rest = _SMALL | 1 << _LISTEN | 1 << _BOUND_INACTIVE
    for family, columns, words in _FAMILIES:
        towards = _conditions(backends, family)
        listed = _either([_NO_DESTINATION, *towards])
        passes = [(_FULL, _either(towards), only), (rest, listed, 0)] if words == 1 else [(_FULL | rest, listed, 0)]
        for states, filters, dport in passes:
            if not filters:
                continue
            for key, used in _maps(_dump(link, family, states, filters, dport), columns, held).items():
                state, timer, port = key[:3]
                source, address = key[3 : 3 + words], key[3 + words :]
                name = {_ESTABLISHED: "established", _TIME_WAIT: "time_wait"}.get(state, "other")
                name = "half_closed" if timer == _TIMER_WAIT and state != _TIME_WAIT else name
                sets = found.setdefault((_address(source), _address(address), socket.ntohs(port)), {})
                sets[name] = sets.get(name, 0) | _mask(used)
    return [
        {"source": s, "address": a, "port": p}
        | {name: hex(sets.get(name, 0)) for name in ("established", "time_wait", "half_closed", "other")}
        for (s, a, p), sets in sorted(found.items())
    ]


def _local(link: socket.socket) -> list[dict[str, str]]:
    found: dict[str, int] = {}
    for family, columns, words in _FAMILIES:
        for states in (_FULL, _SMALL):
            for key, ports in _maps(_dump(link, family, states, b""), columns[:words]).items():
                address = _address(key)
                found[address] = found.get(address, 0) | _mask(ports)
    return [{"address": address, "ports": hex(ports)} for address, ports in sorted(found.items())]


def _hold(data: bytes, start: int, length: int) -> dict[str, Any]:
    size = 4 if data[start + 16] == socket.AF_INET else 16
    return {
        "address": _readable(data[start + 24 : start + 24 + size]),
        "port": struct.unpack_from("!H", data, start + 20)[0],
        "listen": data[start + 17] == _LISTEN,
        "v6only": size == 16 and _v6only(data, start + _SMALLEST, start + length),
    }


def _v6only(data: bytes, at: int, end: int) -> bool:
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == _SKV6ONLY:
            return data[at + 4] != 0
        at += max((length + 3) & ~3, 4)
    return False


def _maps(
    dump: Iterator[tuple[bytes, int]], columns: tuple[int, ...], held: list[dict[str, Any]] | None = None
) -> Maps:
    """Return maps of local ports, in network order, by addresses; with `held` by state, timer and port before them.

    `columns` are the 32-bit words of a message that hold the addresses.
    """
    maps: Maps = {}
    for data, uniform in dump:
        for stride, run in _runs(data, uniform, held):
            words, halves = array("I", run), array("H", run)
            step = stride // 4
            keys: list[Any] = [words[c::step] for c in columns]
            if held is not None:
                # a full socket's timer says nothing here, and would only split its map
                timers = run[18::stride] if stride < _SMALLEST + 16 else bytes(len(run) // stride)
                keys = [run[17::stride], timers, halves[11 :: step * 2], *keys]
            for port, key in zip(halves[10 :: step * 2], zip(*keys, strict=True), strict=True):
                try:
                    maps[key][port] = 1
                except KeyError:
                    maps[key] = bytearray(65536)
                    maps[key][port] = 1
    return maps


def _stride(data: bytes) -> int:
    """Return the length of every message of a buffer where they are alike, else 0."""
    stride = int.from_bytes(data[:4], sys.byteorder)
    if stride < _SMALLEST or stride % 4 or len(data) % stride:
        return 0
    alike = array("I", data)[:: stride // 4].count(stride) == len(data) // stride
    return stride if alike else 0


def _runs(data: bytes, stride: int, held: list[dict[str, Any]] | None) -> Iterable[tuple[int, bytes]]:
    """Return runs of connected sockets' messages of one length; bound and listening ones go to `held`.

    A buffer that is such a run already is not copied.
    """
    if stride and not _OWNERS & set(data[17::stride]):
        return [(stride, data)]
    groups: dict[int, list[bytes]] = {}
    for start, length in _messages(data):
        if data[start + 17] not in _OWNERS:
            groups.setdefault(length, []).append(data[start : start + length])
        elif held is not None:
            held.append(_hold(data, start, length))
    return [(length, b"".join(parts)) for length, parts in groups.items()]


def _dump(link: socket.socket, family: int, states: int, filters: bytes, dport: int = 0) -> Iterator[tuple[bytes, int]]:
    """Yield each buffer of a dump with the length of its messages, 0 where they differ; raises OSError."""
    attribute = struct.pack("=HH", 4 + len(filters), 1) + filters if filters else b""
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, states)
    body += struct.pack("!HH", 0, dport) + bytes(36) + b"\xff" * 8 + attribute
    link.send(struct.pack("=IHHII", 16 + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body)
    while True:
        data = link.recv(1 << 18)
        # a buffer of sockets alike holds neither the end, which is shorter, nor an error
        stride = _stride(data)
        last = None if stride else _last(data)
        if last:
            raise OSError(last, "sock_diag")
        yield data, stride
        if last is not None:
            return


def _last(data: bytes) -> int | None:
    """Return None where more follows, 0 where the dump is over, an errno where it failed."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind in (_NLMSG_DONE, _NLMSG_ERROR):
            code = -int(struct.unpack_from("=i", data, at + 16)[0])
            return code if kind == _NLMSG_DONE else code or errno.EIO
        if length < 16:
            return errno.EIO
        at += (length + 3) & ~3
    return None


def _messages(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            return
        if kind == _SOCK_DIAG_BY_FAMILY and length >= _SMALLEST:
            yield at, length
        at += (length + 3) & ~3


def _conditions(backends: list[list[Any]], family: int) -> list[tuple[int, bytes]]:
    """Return what a socket's destination must equal; a v4 condition matches v4-mapped v6 sockets too."""
    conditions = []
    for address, port in backends:
        packed = ipaddress.ip_address(address).packed
        kind = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
        if kind == socket.AF_INET or family == socket.AF_INET6:
            conditions.append((_D_COND, struct.pack("=BBHi", kind, len(packed) * 8, 0, port) + packed))
    return conditions


def _either(conditions: list[tuple[int, bytes]]) -> bytes:
    """Return bytecode that accepts a socket where any condition holds.

    Each condition falls through to a jump to the end, or skips that jump to the next one; the last one ends it.
    """
    sizes = [4 + len(operand) for _, operand in conditions]
    end = sum(sizes) + 4 * (len(sizes) - 1) if sizes else 0
    code = b""
    for size, (operation, operand) in zip(sizes, conditions, strict=True):
        code += struct.pack("=BBH", operation, size, size + 4) + operand
        if len(code) < end:
            code += struct.pack("=BBH", _JMP, 4, end - len(code))
    return code


def _mask(ports: bytearray) -> int:
    """Return a map of ports as a set of bits: the map is in network order, so its 256 columns are the rows."""
    rows = b"".join(ports[high::256] for high in range(256))
    return int(rows[::-1].translate(_DIGITS), 2)


def _address(words: tuple[int, ...]) -> str:
    return _readable(struct.pack(f"={len(words)}I", *words))


def _readable(packed: bytes) -> str:
    if len(packed) == 16 and packed[:12] == _MAPPED:
        packed = packed[12:]
    return str(ipaddress.ip_address(packed))
