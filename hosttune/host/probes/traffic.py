"""Who talks to whom: listeners, destinations, and sockets by state, counted in the kernel's dump buffers.

sock_diag(7), include/uapi/linux/inet_diag.h, net/ipv4/inet_diag.c. What goes out is counted whole, for each destination
has a limit of its own. Of accepted connections, which differ in the far end only, a part is looked at: those of one
listener lie scattered over the hash table, so that the beginning of a dump is a fair sample of them. (Those that go out
do not: since Linux 6.15 neighbouring ports have neighbouring buckets, net/ipv4/inet_hashtables.c inet_ehashfn().)
"""

from __future__ import annotations

import socket
import struct
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import compress
from typing import NotRequired, TypedDict, cast

from hosttune.host import sock_diag
from hosttune.host.answers import Address, Count, Port, User
from hosttune.host.maps import Key, Maps, destination_of, plain, source_of, words
from hosttune.host.probes.sockets import TIMER_WAIT, Local, Tuple
from hosttune.kernel import (
    BOUND_INACTIVE,
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    LISTEN,
    SYN_RECV,
    SYN_SENT,
    TIME_WAIT,
)

_PASSING = {
    **{SYN_SENT: "SYN_SENT", SYN_RECV: "SYN_RECV", FIN_WAIT1: "FIN_WAIT1"},
    **{CLOSE_WAIT: "CLOSE_WAIT", LAST_ACK: "LAST_ACK", CLOSING: "CLOSING"},
}
# columns of 32 bits within a message: struct nlmsghdr and struct inet_diag_msg
_UNREAD, _UNSENT, _UID = 18, 19, 20
_RETRANS = 19  # bytes from a message's beginning: idiag_retrans
_FILTERED = 128  # ports: with more listeners the bytecode would cost more than it saves
_MOST_ROWS = 64
_MOST_PASSING = 200_000
_BACKENDS = 16  # destinations of which the ports are reported, the busiest


class Listener(TypedDict):
    """A listening socket and its queue."""

    address: Address
    port: Port
    queue: Count
    backlog: Count
    uid: Count
    inode: Count


class Flow(TypedDict):
    """What goes out from a source to a destination, counted."""

    source: Address
    address: Address
    port: Port
    established: NotRequired[Count]
    time_wait: NotRequired[Count]
    opening: NotRequired[Count]
    other: NotRequired[Count]
    retried: NotRequired[Count]
    unread: NotRequired[Count]
    resending: NotRequired[Count]


class Accepted(TypedDict):
    """What came in at a listening port: `established` of a sample, the others of all."""

    port: Port
    established: NotRequired[Count]
    closing: NotRequired[Count]
    half_open: NotRequired[Count]


class Traffic(sock_diag.Limited):
    """What a look at the table gave.

    `flows` are the 64 largest of those that go out and those that get no answer, `outgoing` how many are established.
    `sampled`: how many accepted ones were seen, and whether they are `whole`. `unread` and `unsent`: established
    sockets seen with data in their queues, `uids` those seen by user, `states` all that pass. `tuples`, of the 16
    busiest destinations, and `held` are as the sockets probe has them, `local` for each source the ports of all that
    goes out; `tuples` and `local` are null where the pairs of source and destination are too many to keep their ports.
    Where it comes from /proc the listeners are not seen.
    """

    listeners: list[Listener]
    flows: list[Flow]
    accepted: list[Accepted]
    outgoing: Count
    sampled: Count
    whole: bool
    states: dict[str, Count]
    uids: dict[User, Count]
    unread: Count
    unsent: Count
    tuples: NotRequired[list[Tuple] | None]
    held: NotRequired[list[sock_diag.Held]]
    local: NotRequired[list[Local] | None]


def run(most: int = 20_000) -> Traffic:
    """Return what a look at the table gave, at about `most` accepted ones of a family; raises HostError."""
    return sock_diag.asked(lambda link: _Look(link, most).answer())


class _Look:
    """One look at all sockets of the namespace."""

    def __init__(self, link: sock_diag.Link, most: int) -> None:
        self.link, self.most = link, most
        self.flows: dict[Key, Counter[str]] = {}
        self.maps = Maps()
        self.accepted: dict[int, Counter[str]] = {}
        self.uids: Counter[int] = Counter()
        self.states: Counter[str] = Counter()
        self.queues: Counter[str] = Counter()
        self.sampled = 0
        self.whole = True
        self.outgoing = 0
        self.ports: set[int] = set()  # listening, in network order

    def answer(self) -> Traffic:
        held, listeners = owners(self.link)
        self.ports = {socket.htons(row["port"]) for row in held if row["listen"]}
        for family, columns, _ in sock_diag.FAMILIES:
            used = self.link is None or sock_diag.in_use(family)  # /proc is read to its end as it is
            self._going(family, columns, used)
            if used:
                self._coming(family, columns)
                self._passing(family, columns)
        flows: dict[Key, Counter[str]] = {}
        for key, row in self.flows.items():
            flows.setdefault(plain(key), Counter()).update(row)
        ranked = sorted(flows.items(), key=lambda item: -sum(item[1].values()))
        busiest = list(dict.fromkeys(destination_of(key) for key, _ in ranked))[:_BACKENDS]
        unanswered = [item for item in ranked[_MOST_ROWS:] if item[1]["retried"]]
        return {
            "listeners": listeners,
            "flows": [self._flow(key, row) for key, row in (*ranked[:_MOST_ROWS], *unanswered[:_MOST_ROWS])],
            "outgoing": self.outgoing,
            "accepted": [cast(Accepted, {"port": socket.ntohs(p), **row}) for p, row in sorted(self.accepted.items())],
            "sampled": self.sampled,
            "whole": self.whole,
            "states": dict(self.states),
            "uids": {str(uid): count for uid, count in self.uids.most_common(_MOST_ROWS)},
            "unread": self.queues["unread"],
            "unsent": self.queues["unsent"],
            "held": held,
            **sock_diag.limited(self.link),
            **self.maps.answer(set(busiest)),
        }

    def _flow(self, key: Key, row: Counter[str]) -> Flow:
        far = destination_of(key)
        ends = {"source": source_of(key), "address": words(far[:-1]), "port": socket.ntohs(far[-1])}
        return cast(Flow, ends | row)  # the counts have the names of its fields

    def _going(self, family: int, columns: tuple[int, ...], used: bool) -> None:
        """Count what goes out, all of it: established, and what waits after its end."""
        filters = _without(self.ports)
        for step, run in _sockets(self.link, family, 1 << ESTABLISHED, filters) if used else ():
            keys, local, _ = _columns(run, step, columns)
            going = [port not in self.ports for port in local]
            self._add("established", keys, going)
            self.maps.take("established", zip(keys, local, strict=True), going)
            self.outgoing += sum(going)
            self._queues(run, step, keys, going)
        for step, run in _sockets(self.link, family, 1 << TIME_WAIT | 1 << FIN_WAIT2, filters):
            keys, local, states = _columns(run, step, columns)
            going = [port not in self.ports for port in local]
            self._add("time_wait", keys, going)
            for name, which in _gone(states, run[18::step], going).items():
                self.maps.take(name, zip(keys, local, strict=True), which)

    def _coming(self, family: int, columns: tuple[int, ...]) -> None:
        """Look at a part of the accepted ones."""
        seen = 0
        for step, run in _sockets(self.link, family, 1 << ESTABLISHED, _only(self.ports)) if self.ports else ():
            keys, local, _ = _columns(run, step, columns)
            coming = [port in self.ports for port in local]
            for port, count in Counter(compress(local, coming)).items():
                self.accepted.setdefault(port, Counter())["established"] += count
            # else those that go out were not told apart, and these were among them
            if len(self.ports) <= _FILTERED and self.link is not None:
                self._queues(run, step, keys, [False] * len(keys))
            seen += sum(coming)
            if seen >= self.most:
                self.whole = False
                break
        self.sampled += seen

    def _passing(self, family: int, columns: tuple[int, ...]) -> None:
        """Count the states that pass: few sockets are in them, or something is wrong."""
        seen = 0
        for step, run in _sockets(self.link, family, sum(1 << state for state in _PASSING), b""):
            keys, local, states = _columns(run, step, columns)
            for state, count in Counter(states).items():
                self.states[_PASSING[state]] += count
            tried = run[_RETRANS::step]
            going = [port not in self.ports and state != SYN_RECV for port, state in zip(local, states, strict=True)]
            self.maps.take("other", zip(keys, local, strict=True), going)
            self._add("other", keys, [goes and state != SYN_SENT for goes, state in zip(going, states, strict=True)])
            for key, port, state, again in zip(keys, local, states, tried, strict=True):
                if state == SYN_SENT:
                    row = self.flows.setdefault(key, Counter())
                    row["opening"] += 1
                    row["retried"] += again > 0
                elif port in self.ports and state in (SYN_RECV, CLOSE_WAIT):
                    of = self.accepted.setdefault(port, Counter())
                    of["half_open" if state == SYN_RECV else "closing"] += 1
            seen += len(keys)
            if seen >= _MOST_PASSING:
                return

    def _add(self, name: str, keys: list[Key], going: list[bool]) -> None:
        for key, count in Counter(compress(keys, going)).items():
            self.flows.setdefault(key, Counter())[name] += count

    def _queues(self, run: bytes, step: int, keys: list[Key], going: list[bool]) -> None:
        """Count sockets with data in their queues, and whose they are."""
        words = array("I", run)
        unread, unsent = words[_UNREAD :: step // 4], words[_UNSENT :: step // 4]
        if unread.count(0) < len(unread):
            self._add("unread", list(compress(keys, unread)), list(compress(going, unread)))
        again = run[_RETRANS::step]
        if any(again):
            self._add("resending", list(compress(keys, again)), list(compress(going, again)))
        self.queues["unread"] += len(unread) - unread.count(0)
        self.queues["unsent"] += len(unsent) - unsent.count(0)
        self.uids.update(words[_UID :: step // 4])


def _sockets(link: sock_diag.Link, family: int, states: int, filters: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield runs of messages of one length; a dump that is left early goes with its socket."""
    with sock_diag.apart(link) as own:
        for data, uniform in sock_diag.dump(own, family, states, filters):
            yield from sock_diag.runs(data, uniform, None)


def _only(ports: set[int]) -> bytes:
    """Return bytecode that accepts what has one of these local ports, in network order; none where they are many."""
    if len(ports) > _FILTERED:
        return b""
    return sock_diag.either([(sock_diag.S_EQ, struct.pack("=BBH", 0, 0, socket.ntohs(port))) for port in sorted(ports)])


def _without(ports: set[int]) -> bytes:
    """Return bytecode that rejects what has one of these local ports: each jumps 4 beyond the end, which rejects."""
    if len(ports) > _FILTERED:
        return b""
    size = 12  # a condition of two operations, and the jump
    code = b""
    for number, port in enumerate(sorted(ports)):
        beyond = (len(ports) - number) * size - 8 + 4
        code += struct.pack("=BBHBBHBBH", sock_diag.S_EQ, 8, size, 0, 0, socket.ntohs(port), sock_diag.JMP, 4, beyond)
    return code


def _columns(run: bytes, step: int, columns: tuple[int, ...]) -> tuple[list[Key], list[int], bytes]:
    """Return of a run the ends of each socket with its destination's port, its local port, and its state."""
    words, halves = array("I", run), array("H", run)
    ends = [words[c :: step // 4] for c in columns]
    keys = list(zip(*ends, halves[11 :: step // 2], strict=True))
    return keys, list(halves[10 :: step // 2]), run[17::step]


def _gone(states: bytes, timers: bytes, going: list[bool]) -> dict[str, list[bool]]:
    """Return which of those that go out are in TIME_WAIT, which in FIN_WAIT2 and only a timer, and which neither."""
    waiting = [goes and state == TIME_WAIT for goes, state in zip(going, states, strict=True)]
    half = [
        goes and state != TIME_WAIT and timer == TIMER_WAIT
        for goes, state, timer in zip(going, states, timers, strict=True)
    ]
    rest = [goes and not (w or h) for goes, w, h in zip(going, waiting, half, strict=True)]
    return {"time_wait": waiting, "half_closed": half, "other": rest}


_OWNED = 1 << LISTEN | 1 << BOUND_INACTIVE


def owners(link: sock_diag.Link, states: int = _OWNED) -> tuple[list[sock_diag.Held], list[Listener]]:
    """Return what owns a port by bind(), as the sockets probe has it, and of these the listeners with their queues.

    Listeners alone cost next to nothing; for what is only bound the kernel walks the ports of all sockets. Without a
    link there is no backlog of a listener, and so none is reported.
    """
    held: list[sock_diag.Held] = []
    listeners: list[Listener] = []
    for family, _, _ in sock_diag.FAMILIES:
        for data, _ in sock_diag.dump(link, family, states):
            for start, length in sock_diag.sockets(data):
                row = sock_diag.hold(data, start, length)
                held.append(row)
                if row["listen"] and link is not None:
                    queue, backlog, uid, inode = struct.unpack_from("=IIII", data, start + 72)
                    listeners.append(
                        Listener(
                            address=row["address"], port=row["port"], queue=queue, backlog=backlog, uid=uid, inode=inode
                        )
                    )
    return held, listeners
