"""Who talks to whom, which programs hold what, and what the kernel wrote of it: what is open now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Flow, Listener, Program, Reason, Sample, Traffic, Unknown

Noun = TypeVar("Noun", Flow, Listener, Program)


@dataclass(frozen=True, slots=True)
class Programs:
    """The processes that hold the most; `unseen`: how many could not be looked at. `owners` is pid by listener."""

    programs: tuple[Program, ...]
    unseen: int
    owners: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the sockets gave; `ports` has its `tuples`, `held` and `local`, None where they were not kept."""

    traffic: Traffic | Unknown
    ports: Mapping[str, Any] | None = None


def gather(host: Host, sample: Sample) -> Seen:
    """Count the sockets of this namespace; Unknown where they cannot be seen."""
    try:
        answer = host.probe("traffic")
    except HostError as error:
        return Seen(Unknown(error.reason, error.detail))
    return Seen(_traffic(answer, sample), answer if answer.get("tuples") is not None else None)


def _traffic(answer: Mapping[str, Any], sample: Sample) -> Traffic:
    accepted = {row["port"]: row for row in answer["accepted"]}
    scale = 1.0 if answer["whole"] else _scale(answer, sample)
    seen = answer["sampled"] + answer["outgoing"]
    return Traffic(
        flows=tuple(_made(Flow, row) for row in answer["flows"]),
        listeners=tuple(_listener(row, accepted.get(row["port"], {}), scale) for row in answer["listeners"]),
        states=dict(answer["states"]),
        uids={int(uid): round(count * scale) for uid, count in answer["uids"].items()},
        unread=answer["unread"] / seen if seen else 0.0,
        unsent=answer["unsent"] / seen if seen else 0.0,
        whole=answer["whole"],
        limited=answer.get("limited", ""),
    )


def listeners(host: Host) -> tuple[Listener, ...]:
    """Return the listeners and their queues alone, which costs next to nothing; raises HostError."""
    return tuple(map(listener, host.probe("listeners")))


def listener(row: Mapping[str, Any]) -> Listener:
    """Return a listener of a row that has its queue alone."""
    return _listener(row, {}, 1.0)


def listed(answer: Programs | Unknown) -> tuple[Program, ...]:
    """Return the programs of an answer, none where they are unknown."""
    return () if isinstance(answer, Unknown) else answer.programs


def programs(host: Host, pids: Sequence[int] | None, traffic: Traffic | Unknown) -> Programs | Unknown:
    """Return the processes named, or those that hold the most; Unknown where the kernel does not count."""
    inodes = sorted(listener.inode for listener in traffic.listeners) if isinstance(traffic, Traffic) else []
    try:
        answer = _asked(host, pids, inodes)
    except HostError as error:
        return Unknown(error.reason, error.detail)
    rows = answer["programs"]
    owners = {inode: row["pid"] for row in rows for inode in row["listens"]}
    return Programs(tuple(_made(Program, row) for row in rows), answer["unseen"], owners)


def _asked(host: Host, pids: Sequence[int] | None, inodes: list[int]) -> Any:
    """Ask for the processes; of a snapshot that was not asked for these, take them from those that it has."""
    try:
        return host.probe("programs", pids=None if pids is None else list(pids), inodes=inodes)
    except HostError as error:
        if error.reason is not Reason.NOT_RECORDED or pids is None:
            raise
        answer = host.probe("programs", pids=None, inodes=inodes)
        return {**answer, "programs": [row for row in answer["programs"] if row["pid"] in pids]}


def kernel_log(host: Host) -> tuple[tuple[float, str], ...] | Unknown:
    """Return the age in seconds and the text of what the kernel wrote of limits, the oldest first."""
    try:
        return tuple((float(row["age"]), str(row["text"])) for row in host.probe("kernel_log"))
    except HostError as error:
        return Unknown(error.reason, error.detail)


def _scale(answer: Mapping[str, Any], sample: Sample) -> float:
    """Return by what the sample of accepted connections is to be multiplied: CurrEstab counts CLOSE_WAIT too."""
    every = sample.counters.get("Tcp.CurrEstab", 0) - answer["states"].get("CLOSE_WAIT", 0) - answer["outgoing"]
    return max(every / answer["sampled"], 1.0) if answer["sampled"] else 1.0


def _listener(row: Mapping[str, Any], accepted: Mapping[str, Any], scale: float) -> Listener:
    return _made(
        Listener,
        row,
        accepted=round(accepted.get("established", 0) * scale),
        closing=accepted.get("closing", 0),
        half_open=accepted.get("half_open", 0),
    )


def _made(noun: type[Noun], row: Mapping[str, Any], **more: Any) -> Noun:
    """Return the noun of a row: its fields have the same names, and what a row has beside them is not looked at."""
    return noun(**{name: row[name] for name in noun.__slots__ if name in row}, **more)
