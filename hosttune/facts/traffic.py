"""Who talks to whom, which programs hold what, and what the kernel wrote of it: what is open now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Flow, Listener, Program, Sample, Traffic, Unknown


@dataclass(frozen=True, slots=True)
class Programs:
    """The processes that hold the most; `unseen`: how many could not be looked at. `owners` is pid by listener."""

    programs: tuple[Program, ...]
    unseen: int
    owners: Mapping[int, int]


def gather(host: Host, sample: Sample) -> Traffic | Unknown:
    """Count the sockets of this namespace; Unknown where they cannot be seen."""
    try:
        answer = host.probe("traffic")
    except HostError as error:
        return Unknown(error.reason, error.detail)
    families = answer["sampled"]
    whole = all(row["whole"] for row in families.values())
    full, gone = _scale(families, sample) if not whole else ({}, 1.0)
    accepted = {row["port"]: row for row in answer["accepted"]}
    seen = sum(row["established"] for row in families.values())
    scale = full.get("inet", 1.0), full.get("inet6", 1.0)
    return Traffic(
        flows=tuple(_flow(row, scale[":" in row["source"]], gone) for row in answer["flows"]),
        listeners=tuple(_listener(row, accepted.get(row["port"], {}), scale) for row in answer["listeners"]),
        states=dict(answer["states"]),
        uids={int(uid): int(count * max(scale)) for uid, count in answer["uids"].items()},
        unread=answer["unread"] / seen if seen else 0.0,
        unsent=answer["unsent"] / seen if seen else 0.0,
        whole=whole,
    )


def listeners(host: Host) -> tuple[Listener, ...]:
    """Return the listeners and their queues alone, which costs next to nothing; raises HostError."""
    return tuple(_listener(row, {}, (1.0, 1.0)) for row in host.probe("listeners"))


def programs(host: Host, pids: Sequence[int] | None, traffic: Traffic | Unknown) -> Programs | Unknown:
    """Return the processes named, or those that hold the most; Unknown where the kernel does not count."""
    inodes = sorted(one.inode for one in traffic.listeners) if isinstance(traffic, Traffic) else []
    try:
        answer = host.probe("programs", pids=None if pids is None else list(pids), inodes=inodes)
    except HostError as error:
        return Unknown(error.reason, error.detail)
    rows = answer["programs"]
    owners = {inode: row["pid"] for row in rows for inode in row["listens"]}
    return Programs(tuple(_program(row) for row in rows), answer["unseen"], owners)


def kernel_log(host: Host) -> tuple[tuple[float, str], ...] | Unknown:
    """Return the age in seconds and the text of what the kernel wrote of limits, the oldest first."""
    try:
        return tuple((float(row["age"]), str(row["text"])) for row in host.probe("kernel_log"))
    except HostError as error:
        return Unknown(error.reason, error.detail)


def _scale(families: Mapping[str, Any], sample: Sample) -> tuple[dict[str, float], float]:
    """Return by what a sample is to be multiplied: established ones by family, and those in TIME_WAIT."""
    names = {"inet": "sockstat.TCP.inuse", "inet6": "sockstat.TCP6.inuse"}
    full = {
        family: max(sample.counters.get(names[family], 0) / row["established"], 1.0)
        for family, row in families.items()
        if row["established"] and not row["whole"]
    }
    waiting = sum(row["time_wait"] for row in families.values())
    return full, max(sample.counters.get("sockstat.TCP.tw", 0) / waiting, 1.0) if waiting else 1.0


def _flow(row: Mapping[str, Any], full: float, gone: float) -> Flow:
    return Flow(
        source=row["source"],
        address=row["address"],
        port=row["port"],
        established=round(row.get("established", 0) * full),
        time_wait=round(row.get("time_wait", 0) * gone),
        opening=row.get("opening", 0),
        retried=row.get("retried", 0),
        unread=round(row.get("unread", 0) * full),
    )


def _listener(row: Mapping[str, Any], accepted: Mapping[str, Any], scale: tuple[float, float]) -> Listener:
    return Listener(
        address=row["address"],
        port=row["port"],
        queue=row["queue"],
        backlog=row["backlog"],
        inode=row["inode"],
        uid=row["uid"],
        accepted=round(accepted.get("established", 0) * scale[":" in row["address"]]),
        closing=accepted.get("closing", 0),
        half_open=accepted.get("half_open", 0),
    )


def _program(row: Mapping[str, Any]) -> Program:
    return Program(**{name: row[name] for name in Program.__slots__})
