"""Who talks to whom: listeners, destinations, and sockets by state, counted in the kernel's dump buffers.

sock_diag(7), include/uapi/linux/inet_diag.h. A table of very many sockets is sampled: a dump goes through the hash
table, where neighbours have nothing in common (net/ipv4/inet_diag.c), so its beginning is a fair sample of it.
"""

from __future__ import annotations

import os
import socket
import struct
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import compress
from typing import Any

from hosttune.errors import HostError
from hosttune.host.probes.sockets import _FAMILIES, _dump, _messages, _readable, _runs
from hosttune.model import Reason

# include/net/tcp_states.h
_ESTABLISHED, _SYN_SENT, _FIN_WAIT2, _TIME_WAIT, _CLOSE_WAIT, _LISTEN = 1, 2, 5, 6, 8, 10
_PASSING = {2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 8: "CLOSE_WAIT", 9: "LAST_ACK", 11: "CLOSING"}
_SYN_RECV = 3
# columns of 32 bits within a message: struct nlmsghdr and struct inet_diag_msg
_UNREAD, _UNSENT, _UID = 18, 19, 20
_MOST_ROWS = 64
_ANSWERS = 4  # times the sample: what passes through its states is counted whole, within reason

Key = tuple[int, ...]


def run(most: int = 60_000) -> dict[str, Any]:
    """Return what a look at the table gave; raises HostError.

    "listeners": `address`, `port`, `queue`, `backlog`, `inode`, `uid`. "flows", those that go out, of a sample of at
    most about `most` sockets a family: `source`, `address`, `port`, `established`, `time_wait`, `unread`; of all:
    `opening`, `retried`. "accepted": for a listening port `established` of the sample, `closing` and `half_open` of
    all. "sampled": for each family how many sockets `established` and `time_wait` were seen, and whether that is
    `whole`. "unread" and "unsent" are established sockets of the sample, "states" all those that pass.
    """
    try:
        return _Look(most).answer()
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"sock_diag: {os.strerror(error.errno or 0)}") from error


class _Look:
    """One look at all sockets of the namespace."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.flows: dict[Key, Counter[str]] = {}
        self.accepted: dict[int, Counter[str]] = {}
        self.uids: Counter[int] = Counter()
        self.states: Counter[str] = Counter()
        self.queues: Counter[str] = Counter()
        self.sampled: dict[str, dict[str, Any]] = {}

    def answer(self) -> dict[str, Any]:
        listeners = [row for family, _, _ in _FAMILIES for row in _listeners(family)]
        ports = {socket.htons(row["port"]) for row in listeners}
        for family, columns, words in _FAMILIES:
            full = self._established(family, columns, ports)
            gone = self._waiting(family, columns, ports)
            self._passing(family, columns, ports)
            name = "inet" if words == 1 else "inet6"
            self.sampled[name] = {
                "established": full[0],
                "time_wait": gone[0],
                "whole": full[1] and gone[1],
            }
        ranked = sorted(self.flows.items(), key=lambda item: -sum(item[1].values()))
        return {
            "listeners": listeners,
            "flows": [self._flow(key, row) for key, row in ranked[:_MOST_ROWS]],
            "accepted": [{"port": socket.ntohs(port), **row} for port, row in sorted(self.accepted.items())],
            "sampled": self.sampled,
            "states": dict(self.states),
            "uids": {str(uid): count for uid, count in self.uids.most_common(_MOST_ROWS)},
            "unread": self.queues["unread"],
            "unsent": self.queues["unsent"],
        }

    def _flow(self, key: Key, row: Counter[str]) -> dict[str, Any]:
        half = (len(key) - 1) // 2
        return {"source": _words(key[:half]), "address": _words(key[half:-1]), "port": socket.ntohs(key[-1]), **row}

    def _established(self, family: int, columns: tuple[int, ...], ports: set[int]) -> tuple[int, bool]:
        seen = 0
        for step, run in _sample(family, 1 << _ESTABLISHED):
            keys, local, _ = _columns(run, step, columns)
            coming = [port in ports for port in local]
            words = array("I", run)
            unread = words[_UNREAD :: step // 4]
            self._count("established", keys, local, coming)
            if unread.count(0) < len(unread):
                self._count("unread", list(compress(keys, unread)), local, list(compress(coming, unread)), flows=True)
            self.queues["unread"] += len(unread) - unread.count(0)
            unsent = words[_UNSENT :: step // 4]
            self.queues["unsent"] += len(unsent) - unsent.count(0)
            self.uids.update(words[_UID :: step // 4])
            seen += len(coming)
            if seen >= self.most:
                return seen, False
        return seen, True

    def _waiting(self, family: int, columns: tuple[int, ...], ports: set[int]) -> tuple[int, bool]:
        seen = 0
        for step, run in _sample(family, 1 << _TIME_WAIT | 1 << _FIN_WAIT2):
            keys, local, _ = _columns(run, step, columns)
            self._count("time_wait", keys, local, [port in ports for port in local], flows=True)
            seen += len(keys)
            if seen >= self.most:
                return seen, False
        return seen, True

    def _passing(self, family: int, columns: tuple[int, ...], ports: set[int]) -> None:
        seen = 0
        for step, run in _sample(family, sum(1 << state for state in _PASSING)):
            keys, local, states = _columns(run, step, columns)
            for state, count in Counter(states).items():
                self.states[_PASSING[state]] += count
            tried = run[19::step]  # idiag_retrans
            for key, port, state, again in zip(keys, local, states, tried, strict=True):
                if state == _SYN_SENT:
                    row = self.flows.setdefault(key, Counter())
                    row["opening"] += 1
                    row["retried"] += again > 0
                elif port in ports and state in (_SYN_RECV, _CLOSE_WAIT):
                    of = self.accepted.setdefault(port, Counter())
                    of["half_open" if state == _SYN_RECV else "closing"] += 1
            seen += len(keys)
            if seen >= self.most * _ANSWERS:
                return

    def _count(self, name: str, keys: list[Key], local: list[int], coming: list[bool], flows: bool = False) -> None:
        """Add a buffer's sockets: those that go out by their ends, those that were accepted by their port."""
        for key, count in Counter(compress(keys, (not one for one in coming))).items():
            self.flows.setdefault(key, Counter())[name] += count
        if not flows:
            for port, count in Counter(compress(local, coming)).items():
                self.accepted.setdefault(port, Counter())[name] += count


def _sample(family: int, states: int) -> Iterator[tuple[int, bytes]]:
    """Yield runs of messages of one length; a dump that is left early goes with its socket."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:  # NETLINK_SOCK_DIAG
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        link.bind((0, 0))
        for data, uniform in _dump(link, family, states, b""):
            yield from _runs(data, uniform, None)


def _columns(run: bytes, step: int, columns: tuple[int, ...]) -> tuple[list[Key], list[int], bytes]:
    """Return of a run the ends of each socket with its destination's port, its local port, and its state."""
    words, halves = array("I", run), array("H", run)
    ends = [words[c :: step // 4] for c in columns]
    keys = list(zip(*ends, halves[11 :: step // 2], strict=True))
    return keys, list(halves[10 :: step // 2]), run[17::step]


def _listeners(family: int) -> Iterator[dict[str, Any]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:
        link.bind((0, 0))
        for data, _ in _dump(link, family, 1 << _LISTEN, b""):
            for start, _ in _messages(data):
                size = 4 if family == socket.AF_INET else 16
                queue, backlog, uid, inode = struct.unpack_from("=IIII", data, start + 72)
                yield {
                    "address": _readable(data[start + 24 : start + 24 + size]),
                    "port": struct.unpack_from("!H", data, start + 20)[0],
                    "queue": queue,
                    "backlog": backlog,
                    "uid": uid,
                    "inode": inode,
                }


def _words(words: Key) -> str:
    return _readable(struct.pack(f"={len(words)}I", *words))
