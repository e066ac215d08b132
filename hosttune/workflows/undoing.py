"""Take an apply back: heal what was interrupted, show and agree, write under the lock."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hosttune.changes import confirm, journal, trial, undo, wayback
from hosttune.changes.journal import Journal
from hosttune.changes.record import Record, Status
from hosttune.changes.wayback import WayBack
from hosttune.errors import RefusedError, UsageError
from hosttune.host.live import LiveHost
from hosttune.model.acting import Undone, Unusable
from hosttune.model.progress import Step
from hosttune.options import Place, RollbackOptions
from hosttune.printable import clean
from hosttune.render import plan_text
from hosttune.render.figures import when
from hosttune.workflows import (
    apply_plan,
    capacity_undone,
    commit,
    confirming,
    damaged_records,
    instance,
    opening,
    telling,
    trust,
)

Agree = Callable[[Undone], bool]
"""Is shown what would be taken back, and returns whether it shall be; may raise RefusedError itself."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rollback is asked; `command` is how the caller would write it."""

    how: RollbackOptions
    place: Place
    command: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at the host came to: the record that comes off, how, and what else there is to say."""

    chosen: Record | None
    way: WayBack = field(default_factory=WayBack)
    notes: tuple[str, ...] = ()
    interrupted: tuple[int, ...] = ()
    damaged: tuple[Unusable, ...] = ()


def rollback(wish: Wish, agree: Agree | None = None) -> Undone:
    """Take an apply of the host that the options name back, or say what would be done.

    Raises UsageError, RefusedError, ApplyError, StoppedError.
    """
    host = LiveHost(wish.place.root)
    with instance.of_record(host, wish.how.id), host.remembering():
        return on(host, wish, agree)


def on(host: LiveHost, wish: Wish, agree: Agree | None = None) -> Undone:
    """Take an apply of a host back, or say what would be done."""
    with trust.undoing():
        return _on(host, wish, agree)


def _on(host: LiveHost, wish: Wish, agree: Agree | None) -> Undone:
    how = wish.how
    look = _look(host, how)
    damaged_records.warn(host, journal.read(host), look.chosen)
    carried = capacity_undone.sentence(host, look.chosen, look.way) if look.chosen else ""
    shown = _undone(wish, look, capacity=carried)
    if wish.dry_run or (look.chosen is None and not look.interrupted):
        return shown
    if agree is not None and not agree(shown):
        raise RefusedError("nothing was changed")
    with journal.locked(host, opening.teller()):
        read = journal.read(host)
        damaged_records.refuse_unsafe(host, read)
        healed = trial.heal(host, read.records, how.force)
        if healed.notes and (how.id is None or agree is not None or not healed.whole):
            # what comes after it was not asked for, or not shown, or would stand on what is not whole
            return _undone(wish, _Look(None, notes=healed.notes, damaged=look.damaged), whole=healed.whole)
        again = _look(host, how)
        if agree is not None and again != look:
            raise RefusedError("the host has changed since the preview, nothing was undone; run it again")
        if again.chosen is None:
            return _undone(wish, dataclasses.replace(again, notes=(*healed.notes, *again.notes)))
        by = trial.take_back_by_hand if again.chosen.status is Status.UNCONFIRMED else undo.carry_out
        made = commit.invocation(host, wish.command, how.reason)
        with telling.during(Step(f"undoing apply {again.chosen.id}")):
            done = by(host, again.chosen, again.way, made, how.restart, how.force)
    ended = (Status.ROLLED_BACK, Status.PARTLY)
    taken_back = any(r.id == again.chosen.id and r.status in ended for r in journal.records(host))
    again = dataclasses.replace(again, notes=(*healed.notes, *done.notes))
    whole = not again.notes and not again.way.kept
    # what it would have been with a way back that was never shown is not known
    carried = carried if again.way == look.way else ""
    return _undone(wish, again, whole=whole, taken_back=taken_back, done=True, capacity=carried)


def _undone(
    wish: Wish,
    look: _Look,
    *,
    whole: bool = True,
    taken_back: bool = False,
    done: bool = False,
    capacity: str = "",
) -> Undone:
    """Return what a look came to, or what became of it."""
    chosen, way = look.chosen, look.way
    made = Undone(
        id=chosen.id if chosen else None,
        dry_run=wish.dry_run,
        changed=bool(way.changes),
        diff=plan_text.text(way.changes),
        kept=way.kept,
        notes=look.notes,
        damaged=look.damaged,
        changes=way.changes,
        heals=look.interrupted,
        whole=whole,
        taken_back=taken_back,
        forcible=bool(way.left) and not wish.how.force,
        root=wish.place.root,
    )
    if chosen is None:
        return made
    return dataclasses.replace(
        made,
        name=_name(chosen),
        capacity=capacity,
        stays=_stays(chosen, way),
        restarts=chosen.restarts if done and not wish.how.restart else (),
        units={r.subject.name: r.unit for r in chosen.request.requirements},
    )


def _chosen(records: Sequence[Record], id: int | None) -> Record | None:
    """Return the record to take off, None where none is in force; raises UsageError."""
    if id is None:
        # what is only partly in force was taken back before: the last whole one is meant
        standing = [record for record in records if record.status in (Status.APPLIED, Status.UNCONFIRMED)]
        standing = standing or [record for record in records if record.status is Status.PARTLY]
        return standing[-1] if standing else None
    chosen = next((record for record in records if record.id == id), None)
    if chosen is None:
        raise UsageError(f"rollback {id}: no such apply; `hosttune history` lists them")
    return chosen if chosen.status in (Status.APPLIED, Status.UNCONFIRMED, Status.PARTLY) else None


def _why_none(records: Sequence[Record], id: int | None) -> str:
    """Return why there is nothing to undo."""
    status = next((r.status for r in records if r.id == id), None)
    if status is Status.ROLLED_BACK:
        return f"nothing to undo: apply {id} is rolled back already"
    if status is not None:
        return f"nothing to undo: a write of apply {id} failed, and nothing of it is in force"
    return "nothing to undo: no apply is " + ("in force" if records else "recorded here")


def _look(host: LiveHost, how: RollbackOptions) -> _Look:
    """Return what a rollback would do now; what was interrupted has to be healed first."""
    read = journal.read(host)
    damaged_records.refuse_unsafe(host, read)
    if how.id is not None:
        damaged_records.refuse_damaged(host, read, how.id)
    open_ = _interrupted(host, how, read)
    chosen = _chosen(read.records, how.id)
    if how.id is None and not open_:
        damaged_records.refuse_last(host, read, chosen)
    look = _healing(how, chosen, open_) if open_ else _taking_back(host, how, read.records, chosen)
    return dataclasses.replace(look, damaged=damaged_records.unusable(host, read))


def _interrupted(host: LiveHost, how: RollbackOptions, read: Journal) -> list[Record]:
    """Return the records that have to be healed first; raises RefusedError where that cannot be done from here."""
    interrupted = wayback.interrupted(read.records)
    if not how.force:
        # what was interrupted in another network namespace is healed there
        own = journal.instance(host)
        away = [record for record in interrupted if wayback.away(record, own)]
        for record in away:
            if record.id == how.id:
                wayback.refuse_elsewhere(record, own)
        interrupted = [record for record in interrupted if record not in away]
    waiting = trial.unconfirmed(read.records)
    late = waiting and waiting.confirm and confirm.over(waiting.confirm, confirm.moment(host))
    return [*interrupted, waiting] if waiting and late else interrupted


def _healing(how: RollbackOptions, chosen: Record | None, open_: Sequence[Record]) -> _Look:
    notes = tuple(f"apply {record.id} {_unfinished(record)}: a rollback heals it" for record in open_)
    return _Look(chosen if how.id else None, notes=notes, interrupted=tuple(record.id for record in open_))


def _taking_back(host: LiveHost, how: RollbackOptions, records: Sequence[Record], chosen: Record | None) -> _Look:
    if chosen is None:
        return _Look(None, notes=(_why_none(records, how.id),))
    if chosen.status is Status.UNCONFIRMED:
        return _Look(chosen, trial.way_back(host, chosen, how.force))
    confirming.refuse_while_unconfirmed(host, records)
    replan = functools.partial(apply_plan.replan, records)
    return _Look(chosen, wayback.way_back(host, records, chosen, replan, journal.instance(host), how.force))


def _unfinished(record: Record) -> str:
    return "was not confirmed in time" if record.status is Status.UNCONFIRMED else "was interrupted"


def _name(record: Record) -> str:
    roles = record.request.roles
    role = f", role{'s' * (len(roles) > 1)} {' + '.join(roles)}" if roles else ""
    return f"apply {record.id} ({when(record.made.when)}{clean(role)})"


def _stays(chosen: Record, way: WayBack) -> str:
    """Return what of an apply stays because others want it too; "" where nothing does."""
    moved = {(c.backend, c.target) for c in way.changes}
    wanted = {(c.backend, c.target): number for number, made in way.rewrites.items() for c in made}
    kept = [key for c in chosen.changes if (key := (c.backend, c.target)) in wanted and key not in moved]
    if not kept:
        return ""
    by = sorted({wanted[key] for key in kept})
    who = f"apply {', '.join(map(str, by))} still need{'s' * (len(by) == 1)} them"
    if not moved:
        return f"its values stay: {who}"
    return f"{len(kept):,} of its {len(chosen.changes):,} changes stay: {who}"
