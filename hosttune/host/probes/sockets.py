"""Count TCP sockets in the kernel's dump buffers: which local ports are taken towards which backends, and by whom.

sock_diag(7). Each local port sets one byte in the map of its tuple.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import compress
from typing import Any, NotRequired, TypedDict

from hosttune import kernel
from hosttune.host import sock_diag
from hosttune.host.answers import Address, Interface, Port, Ports
from hosttune.host.sock_diag import FAMILIES, FULL, SMALL, SMALLEST, Link

TIMER_WAIT = 3  # idiag_timer of a socket that has shrunk to a timer, inet_twsk_diag_fill()
_FEW = 64
"""Backends that the kernel is asked for one by one: each socket is put to each condition, so that more cost more than
to look at all sockets here."""
_PORTS = 256
"""Their ports, the same."""
_MAPPED_WORDS = struct.unpack("=3I", bytes(10) + b"\xff\xff")  # ::ffff:0:0/96
_DIGITS = bytes([48, *[49] * 255])  # 0 to "0", the rest to "1"

Key = tuple[int, ...]
Maps = dict[Key, "bytearray | array[int]"]
Row = tuple[str, str, int, str]
"""Source, address and port of a destination, and the device of the sockets, "" for none."""


SETS = ("established", "time_wait", "half_closed", "other")


class Tuple(TypedDict):
    """The ports of a source in use towards a destination, by state: hex integers in which bit p stands for port p.

    `half_closed` are FIN_WAIT2 that is only a timer any more. `device` is the interface or VRF that the sockets are
    bound to, where they are to one.
    """

    source: Address
    address: Address
    port: Port
    established: Ports
    time_wait: Ports
    half_closed: NotRequired[Ports]
    other: Ports
    device: NotRequired[Interface]


class Local(TypedDict):
    """The ports of all connected sockets of a local address, and the interface that they are bound to."""

    address: Address
    ports: Ports
    device: NotRequired[Interface]


class Sockets(sock_diag.Limited):
    """The ports in use; `held` are sockets that own one by bind()."""

    tuples: list[Tuple]
    held: list[sock_diag.Held]
    local: list[Local]


def run(backends: list[list[Any]], whole: bool = False) -> Sockets:
    """Return the ports in use towards `backends`, [address, port]; `local` only with `whole`. Raises HostError."""
    return sock_diag.asked(lambda link: _answer(link, backends, whole))


def _answer(link: Link, backends: list[list[Any]], whole: bool) -> Sockets:
    held: list[sock_diag.Held] = []
    tuples = _tuples(link, [(ipaddress.ip_address(a).packed, int(port)) for a, port in backends], held)
    return {"tuples": tuples, "held": held, "local": _local(link) if whole else [], **sock_diag.limited(link)}


def _tuples(link: Link, backends: list[tuple[bytes, int]], held: list[sock_diag.Held]) -> list[Tuple]:
    """Return a row for each source and backend; append to `held` what owns a port by bind.

    Each dump walks the whole table of sockets: listening ones, which have no destination port, come with the small
    ones, and of IPv6, where v4-mapped sockets are, with all. Bound ones are of a table of their own, and are asked for
    whatever their destination: one that was refused without waiting keeps that, and its port, until it is closed.
    """
    tuples: dict[Row, dict[str, int]] = {}
    many = len(backends) > _FEW
    rest = SMALL | 1 << kernel.LISTEN
    for family, columns, words in FAMILIES:
        filters, only = _filters(backends, family)
        listed = sock_diag.either([sock_diag.NO_DESTINATION, *filters]) if filters is not None else b""
        passes = [(FULL | rest, listed, 0)]
        if words == 1:
            passes = [(rest, listed, 0)]
            passes += [(FULL, sock_diag.either(filters or []), only)] if backends else []
        wanted = _wanted(backends, family) if many or link is None else None
        for states, code, dport in ((1 << kernel.BOUND_INACTIVE, b"", 0), *passes):
            for key, used in _maps(
                sock_diag.dump(link, family, states, code, dport), columns, held, wanted, many
            ).items():
                state, timer, port, device = key[:4]
                source, address = key[4 : 4 + words], key[4 + words :]
                name = {kernel.ESTABLISHED: "established", kernel.TIME_WAIT: "time_wait"}.get(state, "other")
                name = "half_closed" if timer == TIMER_WAIT and state != kernel.TIME_WAIT else name
                ends = sock_diag.address(source), sock_diag.address(address)
                row = (*ends, socket.ntohs(port), sock_diag.device(device))
                sets = tuples.setdefault(row, {})
                sets[name] = sets.get(name, 0) | mask(used)
    return [tuple_of(row, sets) for row, sets in sorted(tuples.items())]


def tuple_of(row: Row, sets: Mapping[str, int]) -> Tuple:
    """Return the row of a source, an address, a port and a device, with its sets of ports."""
    source, address, port, device = row
    established, time_wait, half_closed, other = (hex(sets.get(name, 0)) for name in SETS)
    made: Tuple = {
        "source": source,
        "address": address,
        "port": port,
        "established": established,
        "time_wait": time_wait,
        "half_closed": half_closed,
        "other": other,
    }
    return made | {"device": device} if device else made


def _filters(backends: list[tuple[bytes, int]], family: int) -> tuple[list[sock_diag.Condition] | None, int]:
    """Return what the kernel is to look for, None for anything, and the one port that all backends have, else 0.

    The header's destination port is compared before any bytecode runs.
    """
    ports = {port for _, port in backends}
    only = next(iter(ports)) if len(ports) == 1 else 0
    if len(backends) <= _FEW:
        return sock_diag.towards(backends, family), only
    return (sock_diag.ports(ports) if len(ports) <= _PORTS else None), only


def _wanted(backends: list[tuple[bytes, int]], family: int) -> set[Key]:
    """Return port and address of each backend, as the columns of a message have them."""
    keys: set[Key] = set()
    for packed, port in backends:
        words = struct.unpack(f"={len(packed) // 4}I", packed)
        if family == socket.AF_INET6 and len(words) == 1:
            words = (*_MAPPED_WORDS, *words)
        keys.add((socket.htons(port), *words))
    return keys


def _local(link: Link) -> list[Local]:
    by_address: dict[tuple[str, str], int] = {}
    for family, columns, words in FAMILIES:
        for states in (FULL, SMALL):
            for key, ports in _maps(sock_diag.dump(link, family, states), columns[:words]).items():
                row = (sock_diag.address(key[1:]), sock_diag.device(key[0]))
                by_address[row] = by_address.get(row, 0) | mask(ports)
    return [local_of(row, ports) for row, ports in sorted(by_address.items())]


def local_of(row: tuple[str, str], ports: int) -> Local:
    """Return the row of a local address and a device, with its ports."""
    made: Local = {"address": row[0], "ports": hex(ports)}
    return made | {"device": row[1]} if row[1] else made


def _maps(
    dump: Iterator[tuple[bytes, int]],
    columns: tuple[int, ...],
    held: list[sock_diag.Held] | None = None,
    wanted: set[Key] | None = None,
    many: bool = False,
) -> Maps:
    """Return maps of local ports, in network order, by device and addresses; with `held` by state, timer, port.

    `columns` are the 32-bit words of a message that hold the addresses, the destination's of them the later half.
    With `wanted` other destinations are left out. Where there are `many` tuples, a map is a list of ports.
    """
    maps: Maps = {}
    for data, uniform in dump:
        for stride, run in sock_diag.runs(data, uniform, held):
            words, halves = array("I", run), array("H", run)
            step, count = stride // 4, len(run) // stride
            keys: list[Any] = [words[c::step] for c in columns]
            far = [halves[11 :: step * 2], *keys[len(keys) // 2 :]]
            devices = words[sock_diag.DEVICE :: step]
            # of most hosts no socket is bound to a device, and bytes are quicker to walk than words
            keys.insert(0, devices if any(devices) else bytes(count))
            if held is not None:
                # a full socket's timer says nothing here, and would only split its map
                timers = run[18::stride] if stride < SMALLEST + 16 else bytes(count)
                keys = [run[17::stride], timers, halves[11 :: step * 2], *keys]
            pairs: Iterable[tuple[int, Key]] = zip(halves[10 :: step * 2], zip(*keys, strict=True), strict=True)
            if wanted is not None:
                pairs = compress(pairs, map(wanted.__contains__, zip(*far, strict=True)))
            if many:
                for port, key in pairs:
                    maps.setdefault(key, array("H")).append(port)
                continue
            for port, key in pairs:
                try:
                    maps[key][port] = 1
                except KeyError:
                    maps[key] = bytearray(65536)
                    maps[key][port] = 1
    return maps


def mask(ports: bytearray | array[int]) -> int:
    """Return a map of ports as a set of bits: the map is in network order, so its 256 columns are the rows."""
    if isinstance(ports, array):
        bits = bytearray(8192)
        for port in ports:
            port = socket.ntohs(port)
            bits[port >> 3] |= 1 << (port & 7)
        return int.from_bytes(bits, "little")
    rows = b"".join(ports[high::256] for high in range(256))
    return int(rows[::-1].translate(_DIGITS), 2)
