"""Ports that connected sockets hold, as far as they keep others from them: those that a bind() owns, or may own.

connect() passes over a port that any bind() owns, whatever its address and destination, connected or not
(net/ipv4/inet_hashtables.c __inet_hash_connect()); an explicit bind() with SO_REUSEADDR is refused a port on which a
socket without it lies, on the same address (net/ipv4/inet_connection_sock.c inet_csk_bind_conflict()). A dump shows
neither; the kernel is asked for the first (probes/bound_ports.py), else the ports themselves may show it
(bind_mode.py), else both ends are kept. Sets of ports are integers in which bit p stands for port p.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hosttune.errors import HostError
from hosttune.facts import any_address, bind_mode, devices
from hosttune.facts.bind_mode import Pair
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Reason

FAIR = 16
"""Ports of one source and destination: where so many were asked and are alike, the others are taken to be so too."""

_CONNECTS = (BindMode.CONNECT, BindMode.NO_PORT)


@dataclass(frozen=True, slots=True)
class Asked:
    """The ports that the kernel was asked for, and those of them that a bind() owns; `why` it was not asked for all."""

    ports: int = 0
    bound: int = 0
    why: str = ""


@dataclass(frozen=True)
class Holders:
    """The ports of connected sockets by source and destination, and `rest`, those of which neither is known.

    `named` are the pairs that the workload itself connects. `space` are the ports that the kernel chooses from, `held`
    those of bound sockets that are not connected. `unseen`: why the sockets could not be looked at, "" where they were.
    """

    pairs: Mapping[Pair, int]
    named: frozenset[Pair]
    rest: int
    space: bind_mode.Room
    held: int
    asked: Asked
    unseen: str = ""

    @property
    def any(self) -> bool:
        """Whether there are such sockets at all."""
        return bool(self.pairs or self.rest)

    def of(self, mode: BindMode, source: str, backend: Backend) -> tuple[int, int]:
        """Return the ports that are closed to a pair, and those that may be, by what connected sockets hold."""
        own = self.pairs.get((source, Backend(backend.address, backend.port)), 0)
        if mode in _CONNECTS:
            owned = _beside(self._owned, own) | (self.rest & self.asked.bound)
            return owned, (_beside(self._unsure, own) | self._rest) & ~owned
        if mode is BindMode.EXPLICIT:
            return 0, self._foreign(source)
        return 0, 0  # bind() to port 0 counts every socket of its source

    def made(self, source: str, backend: Backend) -> tuple[int, int]:
        """Return the ports of a pair's own connections that a bind() owns, and those of which that is not known."""
        pair = (source, Backend(backend.address, backend.port))
        ports = self.pairs.get(pair, 0)
        left = ports & ~self.asked.ports
        mode = self.modes[pair] if left else None
        if mode is None:
            return ports & self.asked.bound, left
        return ports & self.asked.bound | (0 if mode in _CONNECTS else left), 0

    def notes(self, modes: Iterable[BindMode]) -> tuple[str, ...]:
        """Return what is to be said of what is not known."""
        if not _any_connects(modes):
            return ()
        if self.unseen:
            return (f"ports that bind() took for connections are not counted: {self.unseen}",)
        unsure = self._unsure[0] | self._rest
        if not unsure:
            return ()
        why = f": {self.asked.why}" if self.asked.why else ""
        return (f"{unsure.bit_count():,} ports of other connections: not known whether bind() owns them{why}",)

    @functools.cached_property
    def modes(self) -> Mapping[Pair, BindMode | None]:
        """How the ports of each pair that were not asked for were bound, None where nothing shows it."""
        guessed = bind_mode.modes(self.space, self.held | self.asked.bound, self.pairs)
        # of the workload's own connections it is known how they are made
        own = dict.fromkeys(self.named, BindMode.CONNECT)
        return {pair: self._mode(ports, guessed[pair].mode or own.get(pair)) for pair, ports in self.pairs.items()}

    def _mode(self, ports: int, guessed: BindMode | None) -> BindMode | None:
        asked, bound = ports & self.asked.ports, ports & self.asked.bound
        if asked.bit_count() < FAIR:
            return guessed
        if not bound:
            return BindMode.CONNECT
        if bound == asked:
            return guessed if guessed not in (None, *_CONNECTS) else BindMode.BIND
        return None

    @functools.cached_property
    def _owned(self) -> tuple[int, int]:
        bound = self.asked.bound
        return _twice(
            ports & (bound | ~self.asked.ports) if self.modes[pair] not in (None, *_CONNECTS) else ports & bound
            for pair, ports in self.pairs.items()
        )

    @functools.cached_property
    def _unsure(self) -> tuple[int, int]:
        return _twice(ports & ~self.asked.ports for pair, ports in self.pairs.items() if self.modes[pair] is None)

    @property
    def _rest(self) -> int:
        asked = self.rest & self.asked.ports
        if asked.bit_count() >= FAIR and not asked & self.asked.bound:
            return 0
        return self.rest & ~self.asked.ports

    def _foreign(self, source: str) -> int:
        """Return the ports of connections from a source that are not the workload's own."""
        ports = self.rest
        for (address, goal), used in self.pairs.items():
            alike = address == source or (source in any_address.ANY and any_address.shares(source, address))
            if alike and (source, goal) not in self.named:
                ports |= used
        return ports


def gather(
    host: Host,
    pairs: Mapping[Pair, int],
    named: frozenset[Pair],
    ends: tuple[int, int],
    space: bind_mode.Room,
    held: int,
    modes: Iterable[BindMode],
    device: str = "",
    ended: bool = False,
) -> Holders | None:
    """Return who holds the ports from `ends[0]` to `ends[1]`, beside the `pairs` that are the workload's.

    `named` are those of the workload, `device` the interface or VRF that it is bound to, `ended`: some of its own
    have ended, and their ports may be had again. None where no mode of it depends on others.
    """
    if all(mode is BindMode.BIND for mode in modes):
        return None
    goals = sorted({(goal.address, goal.port) for _, goal in named})
    every, rest, unseen, view = dict(pairs), 0, "", None
    try:
        answer = host.probe("elsewhere", low=ends[0], high=ends[1], backends=[list(goal) for goal in goals])
    except HostError as error:
        # a snapshot of an older hosttune has none: its pools are what they were
        unseen = "" if error.reason is Reason.NOT_RECORDED else error.detail or error.reason.value
    else:
        view = devices.view_of(host, answer["rows"], device)
        for row in answer["rows"]:
            pair = (row["source"], Backend(row["address"], row["port"]))
            if view is None or view.shares(row.get("device", "")):
                every[pair] = every.get(pair, 0) | int(row["ports"], 16)
        rest = int(answer["rest"], 16) | (0 if answer["whole"] else space.whole & ~held)
    asked = Asked()
    # the ports of a single pair of its own are taken anyway
    alone = not ended and not rest and len(named) == 1 and every.keys() <= named
    if _any_connects(modes) and not alone:
        within = device if view and view.vrf else ""
        asked = ask(host, every, rest, space, held, (within, goals[0][0]) if within and goals else None)
    return Holders(every, named, rest, space, held, asked, unseen)


def ask(
    host: Host,
    pairs: Mapping[Pair, int],
    rest: int,
    space: bind_mode.Room,
    held: int,
    vrf: tuple[str, str] | None = None,
) -> Asked:
    """Ask the kernel which of the ports that are open to doubt a bind() owns; `vrf` is a VRF and an address there."""
    doubt = (_twice(pairs.values())[0] | rest) & space.whole & ~held
    if not doubt:
        return Asked()
    where = {"device": vrf[0], "to": vrf[1]} if vrf else {}
    try:
        answer = host.probe("bound_ports", ports=hex(doubt), **where)
    except HostError as error:
        why = "not in the snapshot" if error.reason is Reason.NOT_RECORDED else error.detail or error.reason.value
        return Asked(why=why)
    asked, bound = int(answer["asked"], 16) & doubt, int(answer["bound"], 16) & doubt
    left = (doubt & ~asked).bit_count()
    return Asked(asked, bound, f"{asked.bit_count():,} of {doubt.bit_count():,} were requested" if left else "")


def _any_connects(modes: Iterable[BindMode]) -> bool:
    return any(mode in _CONNECTS for mode in modes)


def _twice(sets: Iterable[int]) -> tuple[int, int]:
    """Return the ports of all sets, and those that two of them have."""
    every = shared = 0
    for ports in sets:
        shared |= every & ports
        every |= ports
    return every, shared


def _beside(twice: tuple[int, int], own: int) -> int:
    """Return the ports that others than one set have."""
    every, shared = twice
    return (every & ~own) | shared
