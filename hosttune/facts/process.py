"""The running process that carries the connections: its descriptors, its memory, whether it is exempt of limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hosttune import kernel
from hosttune.errors import HostError, UsageError
from hosttune.facts import traffic
from hosttune.host import Host, proc, text
from hosttune.model import Listener, Process, Unknown

_MOST = 256
_WORKERS = 64  # processes alike whose listeners are looked for: 256 entries of /proc/PID/fd each


def gather(host: Host, pids: Sequence[int]) -> Process | None:
    """Return the one of these processes that holds the most descriptors, None where there is none.

    A service with a master and workers has its connections in one of the latter; so has a master that alone is named.
    """
    if not pids:
        return None
    asked = sorted(pids)[:_MOST]
    workers = _workers(host, asked)
    asked = sorted(row["pid"] for row in workers) or asked
    names = {row["pid"]: row["name"] for row in workers}
    try:
        counted = {int(pid): n for pid, n in host.probe("descriptors", pids=asked).items()}
    except HostError as error:
        return _process(host, asked[0], Unknown(error.reason, error.detail), names.get(asked[0], ""))
    if not counted:
        return None
    pid = max(counted, key=lambda candidate: (counted[candidate], -candidate))
    titles = {row["pid"]: row["alike"] for row in workers}
    alike = [other for other in counted if other == pid or (other in titles and titles[other] == titles.get(pid))]
    total = sum(counted[other] for other in alike)
    process = _process(host, pid, counted[pid], names.get(pid, ""), len(alike), total)
    return replace(process, listeners=_listeners(host, process.listeners, alike))


def _listeners(host: Host, own: tuple[Listener, ...], pids: Sequence[int]) -> tuple[Listener, ...]:
    """Return the listeners of processes alike, and what shares their ports.

    Sockets of one address and port have a queue each, and the kernel chooses among them whoever has them
    (net/core/sock_reuseport.c): those of an older generation of the program count too.
    """
    try:
        every = traffic.listeners(host)
        if len(pids) > 1:
            inodes = [listener.inode for listener in every]
            rows = host.probe("programs", pids=sorted(pids)[:_WORKERS], inodes=inodes)["programs"]
            theirs = {inode for row in rows for inode in row["listens"]}
            own += tuple(listener for listener in every if listener.inode in theirs)
    except HostError:
        return own
    ends = {(listener.address, listener.port) for listener in own}
    return tuple(listener for listener in every if (listener.address, listener.port) in ends)


def by_name(host: Host, name: str) -> int:
    """Return the lowest pid of that name (the kernel keeps 15 characters, proc(5)); raises UsageError."""
    pids = all_named(host, name)
    if not pids:
        raise UsageError(f"--process-name {name}: no such process; `ps -e` shows those that run")
    return min(pids)


def all_named(host: Host, name: str) -> list[int]:
    """Return the processes of a name, the lowest pid first."""
    paths = [p for p in host.glob("/proc/[0-9]*/comm") if text(host, p) == name[:15]]
    return sorted(int(match[1]) for p in paths if (match := re.fullmatch("/proc/([0-9]{1,10})/comm", p)))


def name(host: Host, pid: int) -> str:
    """Return what a process runs: what the kernel calls it, or the program that a machine such as Erlang's runs."""
    names = {row["pid"]: str(row["name"]) for row in _workers(host, [pid])}
    return names.get(pid) or text(host, f"/proc/{pid}/comm")


def _workers(host: Host, pids: list[int]) -> list[dict[str, Any]]:
    try:
        return list(host.probe("workers", pids=pids))[:_MOST]
    except HostError:
        return []


def _process(
    host: Host, pid: int, descriptors: int | Unknown, name: str, workers: int = 1, total: int | None = None
) -> Process:
    rows = proc.status(text(host, f"/proc/{pid}/status"))
    threads = rows.get("Threads", "")
    able = proc.capabilities(rows, text(host, f"/proc/{pid}/uid_map"))
    try:
        held = host.probe("holdings", pid=pid)
    except HostError:
        held = {}
    return Process(
        pid,
        descriptors,
        proc.kib(rows.get("VmRSS")),
        None if able is None else bool(able >> kernel.CAP_SYS_ADMIN & 1),
        name or text(host, f"/proc/{pid}/comm"),
        threads=int(threads) if threads.isdecimal() else None,
        accepted=held.get("accepted"),
        outgoing=held.get("outgoing"),
        backlogs=tuple(held.get("backlogs") or ()),
        listeners=tuple(traffic.listener(row) for row in held.get("listeners") or ()),
        wrapped=held.get("wrapped"),
        direct=held.get("direct", 0),
        workers=workers,
        total=total,
    )
