"""Carry out a way back, and bring to an end what a crash or a failure has interrupted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from hosttune.changes import backends, journal, promotion, transaction
from hosttune.changes.record import Record, Status
from hosttune.changes.transaction import Outcome
from hosttune.changes.wayback import WayBack, away, interrupted, of_namespace
from hosttune.errors import ApplyError, HostError
from hosttune.host import WritableHost
from hosttune.model import Change
from hosttune.model.acting import Invocation

_KEPT = 10
"""Rollbacks of one apply that its record names: what others hold may be tried again every hour."""
TAKEN_BACK = {True: "it has been undone", False: "it could only be undone in part"}


def carry_out(
    host: WritableHost, chosen: Record, way: WayBack, made: Invocation | None, restart: bool, force: bool
) -> Outcome:
    """Carry out a rollback under the lock; raises ApplyError or RefusedError where the journal cannot keep it.

    `made` is None where nobody asked for it: the time to confirm was over.
    """
    record = dataclasses.replace(
        chosen,
        status=Status.ROLLING_BACK,
        way_back=way.changes,
        rewrites=dict(way.rewrites),
        left=way.left,
        rollbacks=(*chosen.rollbacks, *([made] if made else []))[-_KEPT:],
    )
    try:
        for other in _rewritten(host, record):
            journal.check(other)
        journal.save(host, record)
    except OSError as error:
        raise journal.not_saved(error) from error
    return finish(host, record, restart, force)


def finish(host: WritableHost, record: Record, restart: bool = False, force: bool = False) -> Outcome:
    """Bring a rollback to its end, from wherever a crash has left it.

    What fails keeps the record open, with only that to do, to be tried again; `force` gives it up.
    """
    notes, stuck = transaction.each(
        transaction.reachable(host, record.way_back),
        lambda change: _take_back(host, change),
        lambda change: force or change.target in record.one_way,
    )
    try:
        transaction.tell_systemd(host, record.reload, record.restarts if restart else ())
        _rewrite_others(host, record)
        if stuck:
            journal.save(host, dataclasses.replace(record, way_back=promotion.again(host, stuck), rewrites={}))
            again = f"all else is back; `hosttune rollback {record.id}` tries again, with --force it is given up"
            return Outcome((*notes, *stuck.values(), again), False)
        status = Status.PARTLY if record.left else Status.ROLLED_BACK
        changes = record.left or record.changes
        journal.save(host, dataclasses.replace(record, status=status, changes=changes, way_back=(), rewrites={}))
    except OSError as error:
        raise ApplyError(
            f"apply {record.id} is rolled back, but {transaction.describe(error)}; run `hosttune rollback` again"
        ) from error
    return Outcome(tuple(notes), True)


def heal(host: WritableHost, records: Sequence[Record], force: bool = False) -> Outcome:
    """Bring what was interrupted to an end: an apply is taken back, a rollback is finished."""
    notes: list[str] = []
    whole = True
    instance = journal.instance(host)
    for record in interrupted(records):
        if away(record, instance):
            # its keys have other values here: they are not for this run to judge, nor in its way
            if not force:
                notes.append(f"{_unreached(record)}: `hosttune rollback {record.id}` heals it there")
                continue
            record = _without_namespace(record)
        if record.status is Status.ROLLING_BACK:
            done = finish(host, record, force=force)
            what, how = "the rollback of apply", "finished now" if done.whole else "tried again"
        else:
            confirming = record.status is Status.CONFIRMING
            # what waited came last, and goes first
            waited = record.pending if confirming else ()
            done = transaction.undo(host, dataclasses.replace(record, changes=(*record.changes, *waited)), force)
            what, how = "the confirm of apply" if confirming else "apply", TAKEN_BACK[done.whole]
        notes.append(f"{what} {record.id} was interrupted: {how}")
        notes += done.notes
        whole = whole and done.whole
    return Outcome(tuple(notes), whole)


def _unreached(record: Record) -> str:
    name = f"the network namespace {record.where.name}" if record.where.name else "another network namespace"
    return f"apply {record.id} was interrupted in {name}, and is left as it is"


def _without_namespace(record: Record) -> Record:
    """Return a record without what lies in a network namespace, which is given up."""
    own = [c for c in record.changes if of_namespace(c)]
    back = tuple(c for c in record.way_back if c.key not in {o.key for o in own})
    return dataclasses.replace(record, changes=tuple(c for c in record.changes if c not in own), way_back=back)


def _rewrite_others(host: WritableHost, record: Record) -> None:
    """Give the records that remain the changes that they come to without this one."""
    for other in _rewritten(host, record):
        journal.save(host, other)


def _rewritten(host: WritableHost, record: Record) -> Iterator[Record]:
    for other in journal.records(host):
        if other.id in record.rewrites and other.status is Status.APPLIED:
            changes = record.rewrites[other.id]
            # what could not go back for this one cannot for those that took its place
            one_way = tuple(dict.fromkeys([*other.one_way, *record.one_way]))
            yield dataclasses.replace(other, changes=changes, one_way=one_way)


def _take_back(host: WritableHost, change: Change) -> list[str]:
    transaction.sweep(host, change)
    try:
        now = backends.read(host, change.backend, change.target)
    except HostError as error:
        if change.backend == "sysctl":
            return transaction.gone(error, change)
        now = None  # a link or a device has the name of a file of ours
    if backends.same(now, change.after):
        return []
    if not backends.same(now, change.before):
        return [f"{change.target} was changed while this rollback was interrupted; left alone"]
    backends.write(host, change.backend, change.target, change.after)
    if change.backend == "directory" and change.after is None and host.glob(change.target):
        return [f"{change.target} stays: it holds files of others"]
    return []
