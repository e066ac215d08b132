"""What nginx limits itself: connections and descriptors of a worker, and connections by limit_conn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hosttune.facts import machine
from hosttune.host import Host
from hosttune.model import OwnLimit, Settings
from hosttune.programs.shelves.nginx.grammar import Directive
from hosttune.programs.shelves.nginx.listening import Listen
from hosttune.programs.shelves.nginx.passing import Scope

_CONNECTIONS = 512  # DEFAULT_CONNECTIONS, src/event/ngx_event.c
_STANDARD, _EVENTS = 3, 2  # descriptors: in, out and errors; epoll and its eventfd
_OF_SERVER = ("$server_name", "$server_addr", "$server_port")
_ACCESS_LOG = "the default of access_log"


@dataclass(frozen=True, slots=True)
class General:
    """What the main block says of all workers; `master` False: one process is all of it.

    `connections` is a limit of each, `connections_where` its file:line, "" for the default.
    """

    path: str
    workers: int = 1
    connections: int = _CONNECTIONS
    connections_where: str = ""
    nofile: int = 0
    master: bool = True
    mutex: bool = False
    notes: tuple[str, ...] = ()


def general(host: Host, path: str, main: Sequence[Directive]) -> General:
    """Return what the main block, and its `events`, say."""
    last = {row.name: row for row in main if row.args}
    events = {row.name: row for block in main if block.name == "events" for row in block.inner if row.args}
    master = not _is(last, "master_process", "off")
    workers, notes = _workers(host, last.get("worker_processes")) if master else (1, ())
    connections = events.get("worker_connections")
    return General(
        path,
        workers,
        _number(connections) or _CONNECTIONS,
        connections.where if connections and _number(connections) else "",
        # a process that is its own worker keeps the limits that it has (ngx_worker_process_init())
        _number(last.get("worker_rlimit_nofile")) if master else 0,
        master,
        _is(events, "accept_mutex", "on"),
        notes,
    )


def settings(of: General, every: Sequence[Listen], logs: int) -> Settings:
    """Return what it says of descriptors: `kept` are those of a worker that are no connections.

    Each worker has the sockets of all, with reuseport too, and a channel to each (ngx_start_worker_processes()).
    """
    listening = sum(of.workers if one.reuseport else 1 for one in every)
    channels = of.workers if of.master else 0
    kept = _STANDARD + _EVENTS + listening + channels + logs
    return Settings(
        "nginx",
        of.path,
        kept=kept,
        workers=of.workers,
        nofile=of.nofile,
        nofile_name="worker_rlimit_nofile",
    )


def of_workers(of: General, every: Sequence[Listen], others: int, each: int, more: Sequence[str]) -> OwnLimit:
    """Return worker_connections: of each worker, less one for each socket it listens on and one for its channel.

    `others` are sockets that it has besides, `each` are the connections that one of a client takes
    (ngx_event_process_init(), ngx_add_channel_event()).
    """
    notes = [*more]
    if of.workers > 1:
        shared = [one for one in every if not one.reuseport and not one.udp]
        turn = "the first worker that is full turns clients away while others have room"
        better = "; reuseport on each listen, or accept_mutex on, makes that later" if shared and not of.mutex else ""
        notes.append(f"workers do not share evenly: {turn}{better}")
    return OwnLimit(
        "worker-connections",
        of.connections,
        "worker_connections",
        where=of.connections_where,
        each=each,
        kept=len(every) + of.master + others,
        copies=of.workers,
        fails="a client that was accepted is closed at once, or its upstream is not connected",
        notes=tuple(notes),
    )


def logs(blocks: Iterable[Directive], http: bool) -> int:
    """Return how many log files are open: each once; without a word on it http writes one, and errors have one."""
    errors, accesses = set[str](), set[str]()
    access_set = False
    todo = [*blocks]
    while todo:
        row = todo.pop()
        todo += row.inner
        access_set = access_set or row.name == "access_log"
        if not row.args or row.args[0].startswith(("syslog:", "memory:")) or "$" in row.args[0]:
            continue
        if row.name == "error_log":
            errors.add(row.args[0])
        elif row.name == "access_log" and row.args[0] != "off":
            accesses.add(row.args[0])
    if http and not access_set:
        accesses.add(_ACCESS_LOG)
    return len(errors - {"stderr"} | accesses) + (not errors)


def of_entry(scope: Scope, zones: Mapping[str, str], name: str) -> tuple[tuple[OwnLimit, ...], tuple[str, ...]]:
    """Return the limits of a server by limit_conn, and notes on those that are of each value of a key."""
    limits, notes = [], []
    dry = any(row.args[0] == "on" for row in scope.get("limit_conn_dry_run", ()))
    for row in scope.get("limit_conn", ()):
        value = _number(row, 1)
        key = zones.get(row.args[0], "")
        if dry or not value:
            continue
        if key and all(word in _OF_SERVER for word in re.findall(r"\$\w+", key)):
            fails = "a client of http gets a 503, one of stream is turned away"
            limits.append(OwnLimit("connection-limit", value, "limit_conn", name, row.where, fails=fails))
        else:
            notes.append(f"{row.where}: limit_conn {value}: of each value of {key or 'a key that was not read'}")
    return tuple(limits), tuple(notes)


def zones(block: Iterable[Directive]) -> dict[str, str]:
    """Return the keys of limit_conn_zone by the names of their zones."""
    keys: dict[str, str] = {}
    for row in block:
        if row.name == "limit_conn_zone" and len(row.args) == 2:
            keys[row.args[1].removeprefix("zone=").partition(":")[0]] = row.args[0]
    return keys


def _workers(host: Host, row: Directive | None) -> tuple[int, tuple[str, ...]]:
    if row is None or row.args[0] != "auto":
        return _number(row) or 1, ()
    cpus = machine.online_cpus(host)
    if cpus:
        return cpus, ()
    return 1, (f"{row.where}: worker_processes auto: how many CPUs there are is not known; reckoned for one worker",)


def _number(row: Directive | None, at: int = 0) -> int:
    text = row.args[at] if row and len(row.args) > at else ""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _is(rows: Mapping[str, Directive], name: str, value: str) -> bool:
    return name in rows and rows[name].args[0] == value
