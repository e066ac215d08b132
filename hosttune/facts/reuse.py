"""Ports in TIME_WAIT and FIN_WAIT2: which can be had again at once, which not, and of which that is not known.

net/ipv4/tcp_ipv4.c tcp_twsk_unique(). A tuple is taken over only if it had TCP timestamps, so both ends must have them;
by connect() only as net.ipv4.tcp_tw_reuse has it, and not in FIN_WAIT2 (hosttune.releases half-closed-kept); by an
explicit bind whatever that says. A port that bind() took is no connect()'s, ended or not: the bucket stays as long as
what is left of its connection (net/ipv4/inet_timewait_sock.c inet_twsk_bind_unhash()). Sets of ports are integers in
which bit p stands for port p.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from hosttune.addresses import bare, is_loopback
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Backend, BindMode

_MOST = 64
"""Addresses that are asked for their timestamps: those with ports in TIME_WAIT come first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The ports of a pair in TIME_WAIT, and in FIN_WAIT2 without an owner.

    `bound` are ports that a bind() owns, `unsure` those of which that is not known.
    """

    time_wait: int
    half_closed: int
    bound: int = 0
    unsure: int = 0

    @property
    def every(self) -> int:
        return self.time_wait | self.half_closed


@dataclass(frozen=True, slots=True)
class Rules:
    """What the namespace says: net.ipv4.tcp_tw_reuse, tcp_timestamps, and whether FIN_WAIT2 is taken over as well.

    `half_closed` is None where the release does not tell.
    """

    reuse: int
    timestamps: bool
    half_closed: bool | None = False


@dataclass(frozen=True, slots=True)
class Left:
    """The ports that ended connections `kept` from the next, and those of which that is `unknown`; with notes."""

    kept: int
    unknown: int = 0
    notes: tuple[str, ...] = ()


def left(pair: tuple[str, str], mode: BindMode, rules: Rules, waiting: Waiting, stamps: bool | None) -> Left:
    """Return what the ended connections of a pair, source and destination, leave of their ports."""
    source, address = pair
    near = is_loopback(source) or is_loopback(address)
    every = waiting.every
    by_setting = rules.reuse == 1 or (rules.reuse == 2 and near)
    if not every or mode is BindMode.BIND or not rules.timestamps or not (mode is BindMode.EXPLICIT or by_setting):
        return Left(every)
    if near or bare(source) == address:
        stamps = True  # both ends are of this namespace
    if stamps is False:
        return Left(every, notes=(f"{address} has no TCP timestamps: no port in TIME_WAIT can be taken over",))
    kept = waiting.half_closed if mode is not BindMode.EXPLICIT and rules.half_closed is False else 0
    unsure = waiting.half_closed if mode is not BindMode.EXPLICIT and rules.half_closed is None else 0
    untold = unsure.bit_count()
    if mode is not BindMode.EXPLICIT:
        kept |= every & waiting.bound
        unsure = (unsure | every & waiting.unsure) & ~kept
    if stamps is None:
        many = (every & ~kept).bit_count()
        why = f"if {address} has TCP timestamps, which no connection shows"
        return Left(kept, every & ~kept, (f"{many:,} ports in TIME_WAIT can be taken over {why}",) if many else ())
    delay = "" if mode is BindMode.EXPLICIT else " after tcp_tw_reuse_delay (1 s)"
    free = f"a port in TIME_WAIT counts as free: it can be taken over{delay}"
    notes = (free,) if every & ~kept & ~unsure else ()
    if untold:
        why = "the release of this kernel does not tell whether connect() takes them over"
        notes = (*notes, f"{untold:,} ports in FIN_WAIT2: {why}")
    return Left(kept, unsure, notes)


def stamps(
    host: Host,
    modes: Collection[BindMode],
    rules: Rules,
    pairs: Iterable[tuple[tuple[str, Backend], Waiting]],
) -> Mapping[str, bool]:
    """Return of each destination whether it has timestamps, nothing of those that show none, or both.

    It is asked where a port in TIME_WAIT can be taken over if they are there; one of this host's own has what it has.
    """
    chosen = rules.reuse == 1 and bool({BindMode.CONNECT, BindMode.NO_PORT}.intersection(modes))
    if not rules.timestamps or not (chosen or BindMode.EXPLICIT in modes):
        return {}
    waits: dict[str, bool] = {}
    answers: dict[str, bool] = {}
    for (source, backend), waiting in pairs:
        if is_loopback(backend.address) or bare(source) == backend.address:
            answers[backend.address] = True
            continue
        waits[backend.address] = waits.get(backend.address, False) or bool(waiting.every)
    asked = sorted(waits, key=lambda address: (not waits[address], address))[:_MOST]
    # a host that does not answer, or a recording of before, shows nothing
    with contextlib.suppress(HostError):
        for address, row in (host.probe("timestamps", addresses=sorted(asked)) if asked else {}).items():
            if bool(row["stamped"]) != bool(row["bare"]):
                answers[address] = bool(row["stamped"])
    return answers
