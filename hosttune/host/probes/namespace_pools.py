"""How full the port pools of one network namespace are: a number for each pair of source and destination.

sock_diag(7), net/ipv4/inet_diag.c. The kernel sends only sockets with a local port of a range, but walks the table of
all namespaces to find them: with 100,000 sockets that takes some 5 to 10 ms.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Iterator
from typing import TypedDict

from hosttune import kernel, ports
from hosttune.host import maps, netns, sock_diag
from hosttune.host.answers import Address, Count, Port, Ports
from hosttune.host.sock_diag import FAMILIES, FULL, SMALL, Held, Link

_SOCKETS = 300_000
"""Sockets of one family that are looked at: about half a second."""
_PAIRS = 4_096
_ROWS = 8
"""Pairs that are given out, the fullest."""
_STATES = FULL | SMALL | 1 << kernel.LISTEN


class Pair(TypedDict):
    """The sockets from a source to a destination: those in TIME_WAIT, and all others."""

    source: Address
    address: Address
    port: Port
    open: Count
    time_wait: Count


class NamespacePools(sock_diag.Limited):
    """The fullest pairs; `held` are the ports of the range with a listener, and `whole`: no socket was left out."""

    held: Ports
    pairs: list[Pair]
    whole: bool


def run(inode: int, file: str, low: int, high: int, reserved: str, waiting: bool) -> NamespacePools:
    """Return it of the namespace with this inode, which `file` leads to, and of its range; raises HostError.

    `reserved` are the reserved ports, as network_namespace has them, `waiting`: it has sockets in TIME_WAIT.
    """
    pools = _Pools(low, high, int(reserved, 16) & ports.span(low, high))
    return netns.looked(inode, file, lambda: sock_diag.asked(lambda link: _look(link, pools, waiting)))


def _look(link: Link, pools: _Pools, waiting: bool) -> NamespacePools:
    for family, _, _ in FAMILIES:
        # the kernel counts what is in TIME_WAIT for both families together
        if link is None or waiting or sock_diag.in_use(family):
            pools.count(link, family)
    return {"held": hex(pools.held), "pairs": pools.fullest(), "whole": pools.whole, **sock_diag.limited(link)}


class _Pools:
    """The sockets of each pair of source and destination that have a port which connect() chooses from."""

    def __init__(self, low: int, high: int, reserved: int) -> None:
        self._ends = (low, high)
        self._barred = {socket.htons(port) for port in _each(reserved)}
        self._pairs: dict[maps.Key, list[int]] = {}
        self.held = 0
        self.whole = True

    def count(self, link: Link, family: int) -> None:
        """Count those of a family; raises OSError."""
        _, columns, _ = next(row for row in FAMILIES if row[0] == family)
        barred = set(self._barred)
        seen = 0
        # a dump that is left early goes with its own socket
        with sock_diag.apart(link) as own:
            for data, uniform in sock_diag.dump(own, family, _STATES, sock_diag.between(*self._ends)):
                listeners: list[Held] = []
                runs = list(sock_diag.runs(data, uniform, listeners))
                # the kernel sends them before all others
                barred |= {socket.htons(row["port"]) for row in listeners if row["listen"]}
                for row in listeners:
                    self.held |= 1 << row["port"] if row["listen"] else 0
                for stride, run in runs:
                    self._add(stride, run, columns, barred)
                    seen += len(run) // stride
                if seen > _SOCKETS:
                    self.whole = False
                    break
        self.held &= ports.span(*self._ends)

    def _add(self, stride: int, run: bytes, columns: tuple[int, ...], barred: set[int]) -> None:
        words, halves = array("I", run), array("H", run)
        ends = [words[column :: stride // 4] for column in columns]
        keys = zip(*ends, halves[11 :: stride // 2], strict=True)
        low, high = self._ends
        for key, port, state in zip(keys, halves[10 :: stride // 2], run[17::stride], strict=True):
            # /proc knows no filter
            if port in barred or not low <= socket.ntohs(port) <= high:
                continue
            row = self._pairs.get(key)
            if row is None:
                if len(self._pairs) >= _PAIRS:
                    self.whole = False
                    continue
                row = self._pairs[key] = [0, 0]
            row[state == kernel.TIME_WAIT] += 1

    def fullest(self) -> list[Pair]:
        """Return the fullest pairs; sockets of IPv6 with addresses of IPv4 are of the same pair as those of IPv4."""
        joined: dict[maps.Key, list[int]] = {}
        for raw, (alive, waiting) in self._pairs.items():
            row = joined.setdefault(maps.plain(raw), [0, 0])
            row[0] += alive
            row[1] += waiting
        ranked = sorted(joined.items(), key=lambda item: (-sum(item[1]), item[0]))
        return [_pair(key, *counts) for key, counts in ranked[:_ROWS]]


def _pair(key: maps.Key, alive: int, waiting: int) -> Pair:
    far = maps.destination_of(key)
    return {
        "source": maps.source_of(key),
        "address": maps.words(far[:-1]),
        "port": socket.ntohs(far[-1]),
        "open": alive,
        "time_wait": waiting,
    }


def _each(mask: int) -> Iterator[int]:
    """Yield each port of a set."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
