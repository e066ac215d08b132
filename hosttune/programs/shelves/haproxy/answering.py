"""A configuration of HAProxy as the running process goes by it: what its admin socket says wins over the file.

`set maxconn`, `set server` and `add server` change a process and no file; a file that was written after the start
changes no process (HAProxy's management guide, 9.3). `show info`, `show stat` and `show servers state` say what holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hosttune.host import Host
from hosttune.model import Configuration, Difference, Entry, OwnLimit
from hosttune.programs.shelves.haproxy import answering_servers

Row = Mapping[str, Any]
Made = tuple[Configuration, tuple[Difference, ...]]

_INFO, _STAT = "show info", "show stat"
_FAILS = "none: it accepts no more; clients wait in the accept queue, nothing is logged"
_RELOAD = "reload haproxy, or write what is in force to the file"
_FRONTEND = 0  # types of rows of `show stat`, management guide, 9.1


def asked(host: Host, pid: int, configuration: Configuration, master: str = "") -> Row:
    """Return what a process answers at its admin sockets, or at its master's; raises HostError."""
    sockets = list(configuration.sockets)
    answers: Row = host.probe("admin_socket", pid=pid, sockets=sockets, **({"master": master} if master else {}))
    return answers


def in_force(configuration: Configuration, answers: Row) -> Made:
    """Return the configuration as it is in force, and how that differs from the files; pure."""
    info = answers["info"]
    made, differences = _whole(configuration, info)
    made, more = _threads(made, info)
    fronts = {row["section"]: row for row in answers["rows"] if row["kind"] == _FRONTEND}
    entries = [_entry(made, entry, fronts, info.get("Hard_maxconn", 0)) for entry in made.entries]
    served, of_servers = answering_servers.sections(made, answers)
    return (
        replace(served, entries=tuple(entry for entry, _ in entries), carried=_connections(made, info)),
        (*differences, *more, *(one for _, found in entries for one in found), *of_servers),
    )


def _connections(configuration: Configuration, info: Mapping[str, int]) -> int | None:
    """Return the connections of clients: what enters again is counted again (CurrConns)."""
    now = info.get("CurrConns")
    return now if now is None else now // configuration.passes


def _whole(configuration: Configuration, info: Mapping[str, int]) -> Made:
    """Hold the maxconn of the process against that of its files, or take the one that it reckoned for itself."""
    most, used = info.get("Maxconn", 0), _connections(configuration, info)
    start = info.get("Hard_maxconn", most)
    limit = next((own for own in configuration.limits if own.kind == "maxconn" and not own.of), None)
    if not most:
        return configuration, ()
    if limit is None and most == start:
        return replace(configuration, reckoned=most // configuration.passes), ()
    if limit is None:
        at_run_time = OwnLimit(
            "maxconn", most, "maxconn", where=_INFO, each=configuration.passes, fails=_FAILS, used=used
        )
        back = f"`set maxconn global {start}` at the socket undoes it; maxconn {most} in its global section keeps it"
        on_disk = f"none (it reckoned {start:,})"
        found = _difference(configuration, "", "maxconn", on_disk, f"{most:,}", "", _INFO, back)
        settings = replace(configuration.settings, maxconn=most)
        return replace(configuration, settings=settings, limits=(*configuration.limits, at_run_time)), (found,)
    now = replace(limit, value=most, used=used)
    limits = tuple(now if own is limit else own for own in configuration.limits)
    made = replace(configuration, limits=limits, settings=replace(configuration.settings, maxconn=most))
    if most == limit.value:
        return made, ()
    fix = _set("maxconn global", limit.value, most) if start == limit.value else _RELOAD
    return made, (_difference(configuration, "", "maxconn", f"{limit.value:,}", f"{most:,}", limit.where, _INFO, fix),)


def _threads(configuration: Configuration, info: Mapping[str, int]) -> Made:
    now, before = info.get("Nbthread", 0), configuration.settings.threads
    made = replace(configuration, settings=replace(configuration.settings, threads=now or before))
    if not now or not before or now == before:
        return made, ()
    return made, (_difference(configuration, "", "nbthread", f"{before:,}", f"{now:,}", "", _INFO, _RELOAD),)


def _entry(
    configuration: Configuration, entry: Entry, fronts: Mapping[str, Row], start: int
) -> tuple[Entry, tuple[Difference, ...]]:
    """Return a frontend with the maxconn that is in force; without one of its own it has that of the process."""
    name = entry.name.rpartition(" ")[2]
    row = fronts.get(name)
    limit = next((own for own in entry.limits if own.kind == "maxconn" and own.of == entry.name), None)
    if row is None:
        shown = f"{_STAT}: it has no {entry.name}"
        return entry, (
            (_difference(configuration, entry.name, "frontend", "there", "absent", entry.where, shown, _RELOAD),)
            if fronts
            else ()
        )
    most = int(row["limit"])
    if limit is None and (not most or most >= start):
        return entry, ()
    on_disk = f"{limit.value:,}" if limit else "none"
    now = replace(
        limit or OwnLimit("maxconn", most, "maxconn", of=entry.name, where=_STAT, fails=_FAILS),
        value=most,
        used=row["used"],
    )
    made = replace(entry, limits=(*(own for own in entry.limits if own is not limit), now))
    if limit and most == limit.value:
        return made, ()
    fix = _set(f"maxconn frontend {name}", limit.value if limit else start, most)
    where = limit.where if limit else entry.where
    return made, (_difference(configuration, entry.name, "maxconn", on_disk, f"{most:,}", where, _STAT, fix),)


def _set(what: str, on_disk: int, now: int) -> str:
    """Return how a number that was set at the socket, or written after the start, is made one."""
    return f"`set {what} {on_disk}` at the socket, or a reload, puts the file in force; write {now} there to keep it"


def _difference(
    configuration: Configuration, of: str, setting: str, on_disk: str, now: str, where: str, shown: str, fix: str
) -> Difference:
    place = where or configuration.settings.path
    return Difference(configuration.program, of, setting, on_disk, now, place, shown, fix)
