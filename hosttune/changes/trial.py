"""Carry out an apply that waits to be confirmed, confirm it, and take it back where nobody does.

Whoever holds the lock may find one whose time is over: its timer takes it back, and so does the next verb where the
timer is gone. After a reboot there is nothing to take back: all that it wrote was where a reboot forgets it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hosttune.changes import backends, journal, transaction, undo, wayback
from hosttune.changes.confirm import BY_HAND, BY_REBOOT, INTERRUPTED, moment, over
from hosttune.changes.order import forward
from hosttune.changes.planned import Planned
from hosttune.changes.record import UNFINISHED, Record, Status
from hosttune.changes.request import Request
from hosttune.changes.transaction import Outcome, describe
from hosttune.changes.wayback import WayBack
from hosttune.errors import HostError
from hosttune.host import WritableHost
from hosttune.model import Change, Plan, State
from hosttune.model.acting import Invocation

_OPEN = (*UNFINISHED, Status.PARTLY)


def apply(host: WritableHost, record: Record, restart: bool, command: Sequence[str]) -> Record:
    """Carry out a record with its `confirm` under the lock, and return it as unconfirmed.

    `command` is what takes it back at the deadline: the timer is set before the first write, so that no kill leaves
    one without. Raises ApplyError after taking all of it back.
    """
    confirm = record.confirm
    assert confirm is not None

    def arm() -> None:
        host.act(
            "timer", verb="arm", kept_by=confirm.timer, id=record.id, seconds=confirm.seconds, command=list(command)
        )

    return transaction.apply(host, record, restart, arm)


def disarm(host: WritableHost, record: Record) -> None:
    """End the timer of a record; one that goes off all the same finds nothing to do."""
    try:
        host.act("timer", verb="cancel", kept_by=record.confirm.timer if record.confirm else "", id=record.id)
    except OSError:
        return


def unconfirmed(records: Sequence[Record]) -> Record | None:
    """Return the apply that waits to be confirmed; there is one at most."""
    return next((record for record in records if record.status is Status.UNCONFIRMED), None)


def differs(host: WritableHost, record: Record) -> list[str]:
    """Return sentences on the files that wait and are not as they were when the apply was planned."""
    differences = []
    for change in _pending(host, record):
        try:
            same = backends.same(backends.read(host, change.backend, change.target), change.before)
        except HostError as error:
            differences.append(str(error))
            continue
        if not same:
            differences.append(f"{change.target} was changed by somebody else since")
    return differences


def confirm(host: WritableHost, record: Record) -> Record:
    """Write what waits, under the lock, and return the record as applied.

    Raises ApplyError or StoppedError once the record is unconfirmed again, as it was.
    """
    record = dataclasses.replace(record, pending=_pending(host, record))
    kernel = tuple(c for c in record.changes if backends.runtime(c.backend))
    twins = [c for c in record.changes if c not in kernel]
    with transaction.or_back(lambda what: _not_confirmed(host, record, twins, what)) as at_hand:
        journal.save(host, dataclasses.replace(record, status=Status.CONFIRMING))
        for change in record.pending:
            at_hand.target = change.target
            transaction.make(host, change)
        for change in reversed(twins):
            at_hand.target = change.target
            if backends.same(backends.read(host, change.backend, change.target), change.after):
                backends.write(host, change.backend, change.target, change.before)
        at_hand.target = "the last step"
        transaction.tell_systemd(host, record.reload)
        changes = forward([*kernel, *record.pending])
        done = dataclasses.replace(record, status=Status.APPLIED, changes=changes, confirm=None, pending=())
        journal.save(host, done)
    disarm(host, record)
    return done


def way_back(host: WritableHost, record: Record, force: bool = False) -> WayBack:
    """Return what takes an unconfirmed apply off: no other can have been made since."""
    alone = dataclasses.replace(record, status=Status.APPLIED)
    return wayback.way_back(host, [alone], alone, _no_other, journal.instance(host), force)


def take_back(host: WritableHost, record: Record, why: str, force: bool = False) -> Outcome:
    """Take an unconfirmed apply back under the lock; services that it started again are started again with the old."""
    way = way_back(host, record, force)
    done = undo.carry_out(host, _ended(record, why), way, None, record.request.restart, force)
    disarm(host, record)
    return Outcome((*way.kept, *done.notes), done.whole)


def take_back_by_hand(
    host: WritableHost, record: Record, way: WayBack, made: Invocation, restart: bool, force: bool
) -> Outcome:
    """Take an unconfirmed apply back as it was shown."""
    done = undo.carry_out(host, _ended(record, BY_HAND), way, made, restart or record.request.restart, force)
    disarm(host, record)
    return done


def heal(host: WritableHost, records: Sequence[Record], force: bool = False) -> Outcome:
    """Bring to an end what was interrupted, and what nobody has confirmed before a reboot or in time."""
    notes: list[str] = []
    whole = True
    now, instance = moment(host), journal.instance(host)
    for record in records:
        if record.confirm is None or record.status not in _OPEN:
            continue
        why = over(record.confirm, now)
        if why == BY_REBOOT:
            done = _forget(host, record, force)
        elif wayback.away(record, instance):
            # its keys have other values here; its timer runs there, and so does `hosttune rollback ID`
            notes.append(f"apply {record.id} waits in another network namespace: `hosttune rollback {record.id}` there")
            continue
        elif record.status is Status.UNCONFIRMED and why:
            done = take_back(host, record, why, force)
            done = Outcome((f"apply {record.id} was {why}: {undo.TAKEN_BACK[done.whole]}", *done.notes), done.whole)
        elif record.status is Status.UNCONFIRMED or record.status is Status.PARTLY:
            continue
        else:
            done = _finish(host, record, force)
        notes += done.notes
        whole = whole and done.whole
    rest = undo.heal(host, [r for r in records if r.confirm is None], force)
    return Outcome((*notes, *rest.notes), whole and rest.whole)


def _finish(host: WritableHost, record: Record, force: bool) -> Outcome:
    """Take back what was interrupted in the boot in which it was begun."""
    ended = record if record.confirm and record.confirm.ended else _ended(record, INTERRUPTED)
    done = undo.heal(host, [ended], force)
    # a crash may have come after they were started again with what is taken back now
    notes = transaction.try_systemd(host, False, record.restarts if record.request.restart else ())
    done = Outcome((*done.notes, *notes), done.whole)
    disarm(host, record)
    return done


def _forget(host: WritableHost, record: Record, force: bool) -> Outcome:
    """End a record of another boot: what it wrote is gone, but for the files of a confirm that was interrupted."""
    ended = _ended(record, BY_REBOOT)
    note = f"apply {record.id} was {BY_REBOOT}: nothing of it is in force"
    if record.status is Status.CONFIRMING:
        return undo.heal(host, [dataclasses.replace(ended, changes=())], force)
    try:
        journal.save(host, dataclasses.replace(ended, status=Status.UNDONE, way_back=(), rewrites={}, left=()))
    except OSError as error:
        return Outcome((note, f"{journal.path_of(record)}: {describe(error)}"), False)
    return Outcome((note,) if record.status in (Status.APPLYING, Status.UNCONFIRMED) else (), True)


def _pending(host: WritableHost, record: Record) -> tuple[Change, ...]:
    """Return what waits, without directories that somebody has made since: they are not ours."""
    return tuple(c for c in record.pending if c.backend != "directory" or not backends.read(host, c.backend, c.target))


def _not_confirmed(host: WritableHost, record: Record, twins: Sequence[Change], what: str) -> str:
    """Have all as before the confirm and return what to say; what fails is healed by the timer, or the next run."""
    left: list[str] = []
    for change in reversed(record.pending):
        _put(host, change, change.before, left)
    for change in twins:
        _put(host, change, change.after, left)
    left += transaction.try_systemd(host, record.reload and not left)
    if not left:
        try:
            journal.save(host, record)
            return f"{what}; apply {record.id} is as before and still waits: `sudo hosttune confirm` tries again"
        except OSError as error:
            left.append(f"{journal.path_of(record)}: {describe(error)}")
    return f"{what}; apply {record.id} is not confirmed, and will be undone: {'; '.join(left)}"


def _put(host: WritableHost, change: Change, wanted: State, left: list[str]) -> None:
    """Give a target one of the two states of a change, where it has the other one."""
    try:
        transaction.sweep(host, change)
        now = backends.read(host, change.backend, change.target)
        if not backends.same(now, wanted) and any(backends.same(now, state) for state in (change.before, change.after)):
            backends.write(host, change.backend, change.target, wanted)
    except (OSError, HostError) as error:
        left.append(f"{change.target}: {describe(error)}")


def _ended(record: Record, why: str) -> Record:
    confirm = record.confirm
    assert confirm is not None
    return dataclasses.replace(record, confirm=dataclasses.replace(confirm, ended=why))


def _no_other(world: Planned, request: Request) -> Plan:
    raise AssertionError("an apply that is not confirmed has no other one above it")
