"""The way back: from the records that are in force to the writes that take one of them off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hosttune.changes import backends, journal, transaction
from hosttune.changes.backends import file
from hosttune.changes.journal import Record, Status
from hosttune.changes.order import backward
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.errors import ApplyError, HostError
from hosttune.host import Host, WritableHost
from hosttune.model import Change, FileState, Plan, State

Replan = Callable[[Planned, Request], Plan]
"""Plan a request anew on a host as it would be without the one that comes off."""

Target = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WayBack:
    """The writes of a rollback in order, what the remaining records' changes become, what is kept and why."""

    changes: tuple[Change, ...]
    rewrites: dict[int, tuple[Change, ...]]
    kept: tuple[str, ...]


def active(records: Sequence[Record]) -> list[Record]:
    """Return the records that are in force, oldest first."""
    return [r for r in records if r.status is Status.APPLIED]


def interrupted(records: Sequence[Record]) -> list[Record]:
    """Return the records whose apply or rollback did not come to its end."""
    return [r for r in records if r.status in (Status.APPLYING, Status.ROLLING_BACK)]


def way_back(host: Host, records: Sequence[Record], chosen: Record, replan: Replan, force: bool) -> WayBack:
    """Return what takes `chosen` off: each target gets what it had before all, and what the remaining ones want.

    A target that holds neither what the last apply left nor what it shall get was changed by somebody else: it is
    kept and named, unless `force`.
    """
    base, last = _ends(active(records))
    world = Planned(host, [Change(backend, target, None, state) for (backend, target), state in base.items()])
    rewrites: dict[int, tuple[Change, ...]] = {}
    for record in active(records):
        if record.id != chosen.id:
            made = replan(world, record.request).changes
            rewrites[record.id] = made
            world = world.with_(made)
    targets = dict.fromkeys([*base, *((c.backend, c.target) for made in rewrites.values() for c in made)])
    changes: list[Change] = []
    kept: list[str] = []
    for backend, target in targets:
        wanted = world.current(backend, target)
        now = _now(host, backend, target)
        if backends.same(now, wanted) or (backend == "prlimit" and now is None):
            continue  # a process that has ended took its limits with it
        if (backend, target) in last and not backends.same(now, last[backend, target]):
            said = f"{target} was changed by somebody else since: {_difference(last[backend, target], now)}"
            if not force:
                kept.append(f"{said}; left alone, --force takes it back all the same")
                continue
        changes.append(Change(backend, target, now, wanted))
    return WayBack(backward(changes), rewrites, tuple(kept))


def carry_out(host: WritableHost, chosen: Record, way: WayBack, restart: bool, force: bool) -> list[str]:
    """Carry out a rollback under the lock; returns sentences on what stays; raises ApplyError where it stops."""
    record = dataclasses.replace(chosen, status=Status.ROLLING_BACK, way_back=way.changes, rewrites=dict(way.rewrites))
    try:
        journal.save(host, record)
    except OSError as error:
        raise journal.not_saved(error) from error
    return finish(host, record, restart, force)


def finish(host: WritableHost, record: Record, restart: bool = False, force: bool = False) -> list[str]:
    """Bring a rollback to its end, from wherever a crash has left it; returns sentences on what stays.

    A value that the kernel refuses keeps the record open, to be tried again, unless `force` gives it up.
    """
    said: list[str] = []
    stuck: list[str] = []
    for change in record.way_back:
        try:
            said += _take_back(host, change)
        except (OSError, HostError) as error:
            if transaction.refused(change, error):
                # announced before the apply, or to be tried again: the rest goes back all the same
                where = said if force or change.target in record.one_way else stuck
                where.append(f"{change.target}: the kernel does not take {change.after} back, it stays {change.before}")
                continue
            raise ApplyError(
                f"{change.target}: {transaction.describe(error)}; the rollback of apply {record.id} is half done: "
                "mend that and run `hosttune rollback` again"
            ) from error
    try:
        if record.reload:
            host.act("systemd", verb="daemon-reload")
        for unit in record.restarts if restart else ():
            host.act("systemd", verb="restart", unit=unit)
        for other in journal.records(host):
            if other.id in record.rewrites and other.status is Status.APPLIED:
                journal.save(host, dataclasses.replace(other, changes=record.rewrites[other.id]))
        if stuck:
            return [*said, *stuck, "all else is back; `hosttune rollback` tries again, with --force it is given up"]
        journal.save(host, dataclasses.replace(record, status=Status.ROLLED_BACK))
    except OSError as error:
        raise ApplyError(
            f"apply {record.id} is rolled back, but {transaction.describe(error)}; run `hosttune rollback` again"
        ) from error
    return said


def heal(host: WritableHost, records: Sequence[Record], force: bool = False) -> list[str]:
    """Bring what was interrupted to an end: an apply is taken back, a rollback is finished; returns what to tell."""
    said: list[str] = []
    for record in interrupted(records):
        if record.status is Status.APPLYING:
            left = transaction.undo(host, record, force)
            said.append(f"apply {record.id} was interrupted: it has been taken back")
        else:
            left = finish(host, record, force=force)
            how = "tried again" if left else "finished now"
            said.append(f"the rollback of apply {record.id} was interrupted: {how}")
        said += left
    return said


def _take_back(host: WritableHost, change: Change) -> list[str]:
    now = _now(host, change.backend, change.target)
    if change.backend == "file":
        file.check(change.target)
        host.clean(change.target)
    if backends.same(now, change.after):
        return []
    if not backends.same(now, change.before):
        return [f"{change.target} was changed while this rollback was interrupted; left alone"]
    backends.write(host, change.backend, change.target, change.after)
    if change.backend == "directory" and change.after is None and host.glob(change.target):
        return [f"{change.target} stays: it holds files of others"]
    return []


def _ends(records: Sequence[Record]) -> tuple[dict[Target, State], dict[Target, State]]:
    """Return what each target held before all applies, and what the last one of them left."""
    base: dict[Target, State] = {}
    last: dict[Target, State] = {}
    for record in records:
        for change in record.changes:
            base.setdefault((change.backend, change.target), change.before)
            last[change.backend, change.target] = change.after
    return base, last


def _now(host: Host, backend: str, target: str) -> State:
    try:
        return backends.read(host, backend, target)
    except HostError:
        # a key whose module has gone, a link in the place of a file: neither is what we left
        return None


def _difference(ours: State, now: State) -> str:
    if now is None:
        return "it is gone"
    if isinstance(now, FileState) or isinstance(ours, FileState):
        return "its text, mode or owner is another"
    return f"{ours} then, {now} now"
