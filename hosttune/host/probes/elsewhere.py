"""Which ports of a range connected sockets have towards other destinations than those that are asked about.

sock_diag(7). A bind() may own each of them, and then no connect() can have it; the dump does not show that.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from array import array
from collections.abc import Iterator
from typing import Any, NotRequired, TypedDict

from hosttune.host import maps, sock_diag
from hosttune.host.answers import Address, Interface, Port, Ports
from hosttune.host.probes.sockets import mask
from hosttune.host.sock_diag import FAMILIES, FULL, SMALL, Link
from hosttune.ports import span

_S_GE, _S_LE = 2, 3  # INET_DIAG_BC_*, include/uapi/linux/inet_diag.h
_FEW = 64
"""Destinations that the kernel leaves out; more are left out here."""
_ROWS = 64
_MOST = 300_000
"""Sockets that are looked at: about half a second."""


class Row(TypedDict):
    """The ports of a source towards a destination; `device` is the interface or VRF that the sockets are bound to."""

    source: Address
    address: Address
    port: Port
    ports: Ports
    device: NotRequired[Interface]


class Elsewhere(TypedDict):
    """The pairs with the most ports, and the ports of all others; `whole`: no socket was left out."""

    rows: list[Row]
    rest: Ports
    whole: bool


def run(low: int, high: int, backends: list[list[Any]]) -> Elsewhere:
    """Return the ports from `low` to `high` of sockets towards others than `backends`; raises HostError."""
    return sock_diag.asked(lambda link: _answer(link, low, high, backends))


def _answer(link: Link, low: int, high: int, backends: list[list[Any]]) -> Elsewhere:
    goals = {(ipaddress.ip_address(address).packed, int(port)) for address, port in backends}
    left_out = {(str(ipaddress.ip_address(packed)), port) for packed, port in goals}
    sets: dict[tuple[str, str, int, str], int] = {}
    whole = True
    for family, columns, _ in FAMILIES:
        code = _filter(low, high, goals if len(goals) <= _FEW else set(), family)
        seen: dict[tuple[int, ...], array[int]] = {}
        whole = _read(link, family, columns, code, seen) and whole
        for key, local in seen.items():
            ends, device = maps.plain(key[:-1]), key[-1]
            far = maps.destination_of(ends)
            row = (maps.source_of(ends), maps.words(far[:-1]), socket.ntohs(far[-1]), sock_diag.device(device))
            within = mask(local) & span(low, high)
            if within and row[1:3] not in left_out:
                sets[row] = sets.get(row, 0) | within
    ranked = sorted(sets.items(), key=lambda item: (-item[1].bit_count(), item[0]))
    rest = 0
    for _, ports in ranked[_ROWS:]:
        rest |= ports
    return {"rows": [_row(key, ports) for key, ports in sorted(ranked[:_ROWS])], "rest": hex(rest), "whole": whole}


def _read(
    link: Link, family: int, columns: tuple[int, ...], code: bytes, seen: dict[tuple[int, ...], array[int]]
) -> bool:
    """Add the local ports of each pair; False where the sockets were too many to look at all of them."""
    count = 0
    for states in (FULL, SMALL):
        for run, stride in _runs(link, family, states, code):
            words, halves = array("I", run), array("H", run)
            step = stride // 4
            columns_of = [words[c::step] for c in columns]
            keys = zip(*columns_of, halves[11 :: step * 2], words[sock_diag.DEVICE :: step], strict=True)
            for port, key in zip(halves[10 :: step * 2], keys, strict=True):
                try:
                    seen[key].append(port)
                except KeyError:
                    seen[key] = array("H", (port,))
            count += len(run) // stride
            if count > _MOST:
                return False
    return True


def _runs(link: Link, family: int, states: int, code: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield runs of messages of one length, and that; a dump that is left early goes with its own socket."""
    with sock_diag.apart(link) as own:
        for data, uniform in sock_diag.dump(own, family, states, code):
            for stride, run in sock_diag.runs(data, uniform, None):
                yield run, stride


def _filter(low: int, high: int, goals: set[tuple[bytes, int]], family: int) -> bytes:
    """Return bytecode that accepts a local port within the range, and none of the destinations.

    Each condition but the first two is followed by a jump that rejects; "4 beyond the end" rejects.
    """
    conditions = sock_diag.towards(sorted(goals), family)
    size = 16 + sum(4 + len(operand) + 4 for _, operand in conditions)
    code = struct.pack("=BBHBBH", _S_GE, 8, size + 4, 0, 0, low)
    code += struct.pack("=BBHBBH", _S_LE, 8, size - 8 + 4, 0, 0, high)
    for operation, operand in conditions:
        own = 4 + len(operand)
        code += struct.pack("=BBH", operation, own, own + 4) + operand
        code += struct.pack("=BBH", sock_diag.JMP, 4, size - len(code) + 4)
    return code


def _row(key: tuple[str, str, int, str], ports: int) -> Row:
    source, address, port, device = key
    row: Row = {"source": source, "address": address, "port": port, "ports": hex(ports)}
    return row | {"device": device} if device else row
