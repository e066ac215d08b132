"""Which ports are in use from each source to each destination: a map of bytes a pair and a state."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from itertools import compress
from typing import TypedDict

from hosttune.host.probes.sockets import SETS, Local, Tuple, mask, tuple_of
from hosttune.host.sock_diag import readable

_ROOM = 256
"""Maps, 64 KiB each: where there are more pairs, ports are not kept."""


_MAPPED = struct.unpack("=3I", bytes(10) + b"\xff\xff")  # ::ffff:0:0/96

Key = tuple[int, ...]
"""The words of the source, those of the destination, and its port, all in network order."""


def source_of(key: Key) -> str:
    """Return the source address of a key."""
    return words(key[: (len(key) - 1) // 2])


def destination_of(key: Key) -> Key:
    """Return the destination of a key, its address and port."""
    return key[(len(key) - 1) // 2 :]


def plain(key: Key) -> Key:
    """Return the key of an IPv4 pair for one of v4-mapped addresses: sockets of both families take the same ports."""
    return (key[3], key[7], key[8]) if len(key) == 9 and key[:3] == key[4:7] == _MAPPED else key


def words(those: Key) -> str:
    """Return an address of 32-bit words as people write it."""
    return readable(struct.pack(f"={len(those)}I", *those))


class Kept(TypedDict):
    """The tuples of the destinations that are asked for, and the ports of each source in all."""

    tuples: list[Tuple] | None
    local: list[Local] | None


class Maps:
    """The ports in use, kept while there is room for all pairs."""

    def __init__(self) -> None:
        self._maps: dict[str, dict[Key, bytearray]] = {name: {} for name in SETS}
        self._room = _ROOM

    def take(self, name: str, pairs: Iterable[tuple[Key, int]], which: Iterable[bool]) -> None:
        """Set the port, in network order, of each socket that counts in the map of its pair."""
        maps = self._maps[name]
        for key, port in compress(pairs, which) if self._room >= 0 else ():
            try:
                maps[key][port] = 1
            except KeyError:
                self._room -= 1
                if self._room < 0:
                    self._maps = {name: {} for name in SETS}
                    return
                maps[key] = bytearray(1 << 16)
                maps[key][port] = 1

    def answer(self, busiest: set[Key]) -> Kept:
        """Return what is kept, both null where there was no room."""
        if self._room < 0:
            return {"tuples": None, "local": None}
        local: dict[str, int] = {}
        sets: dict[Key, dict[str, int]] = {}
        for name, maps in self._maps.items():
            for raw, used in maps.items():
                key, ports = plain(raw), mask(used)
                local[source_of(key)] = local.get(source_of(key), 0) | ports
                if destination_of(key) in busiest:
                    row = sets.setdefault(key, {})
                    row[name] = row.get(name, 0) | ports
        tuples = [_tuple(key, row) for key, row in sets.items()]
        return {
            "tuples": sorted(tuples, key=lambda row: (row["source"], row["address"], row["port"])),
            "local": [{"address": address, "ports": hex(ports)} for address, ports in sorted(local.items())],
        }


def _tuple(key: Key, sets: dict[str, int]) -> Tuple:
    far = destination_of(key)
    return tuple_of((source_of(key), words(far[:-1]), socket.ntohs(far[-1]), ""), sets)
