"""Take an apply back: heal what was interrupted, show, ask, write under the lock."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from hosttune import printable
from hosttune.changes import confirm, journal, trial, undo, wayback
from hosttune.changes.journal import Journal
from hosttune.changes.record import Record, Status
from hosttune.changes.wayback import WayBack
from hosttune.errors import RefusedError, UsageError
from hosttune.host.live import LiveHost
from hosttune.model import Plan
from hosttune.printable import clean
from hosttune.render import plan_text as plan
from hosttune.render.figures import fold, when
from hosttune.terminal import asking, streams
from hosttune.workflows import apply_plan, commit, confirming, damaged_records, instance, opening, trust

SCHEMA = "hosttune/rollback/1"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune rollback`, as given."""

    id: int | None
    dry_run: bool
    yes: bool
    force: bool
    restart: bool
    root: str
    format: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the host came to: the record that comes off, how, and what else is to be told."""

    chosen: Record | None
    way: WayBack = field(default_factory=WayBack)
    told: tuple[str, ...] = ()
    interrupted: tuple[int, ...] = ()
    damaged: tuple[dict[str, object], ...] = ()


def run(asked: Asked) -> int:
    """Carry it out on the host that the options name, or show it; returns the exit code."""
    opening.check_format(asked.format)
    asking.check(asked.format, told=asked.yes or asked.dry_run)
    host = LiveHost(asked.root)
    with instance.of_record(host, asked.id), host.remembering():
        return on(host, asked)


def on(host: LiveHost, asked: Asked) -> int:
    """Carry it out on a host, or show it; returns the exit code."""
    with trust.undoing():
        return _on(host, asked)


def _on(host: LiveHost, asked: Asked) -> int:
    seen = _look(host, asked)
    damaged_records.warn(host, journal.read(host), seen.chosen)
    if asked.dry_run:
        return _tell(asked, seen, 4 if seen.way.changes or seen.interrupted else 0)
    if seen.chosen is None and not seen.interrupted:
        return _tell(asked, seen, 0)
    if not asked.yes:
        _ask(asked, seen)
    with journal.locked(host, opening.teller()):
        found = journal.read(host)
        damaged_records.refuse_unsafe(host, found)
        healed = trial.heal(host, found.records, asked.force)
        told = Look(None, told=healed.said, damaged=seen.damaged)
        if healed.said and (asked.id is None or not asked.yes or not healed.whole):
            # what comes after it was not asked for, or not shown, or would stand on what is not whole
            return _tell(asked, told, 0 if healed.whole else 1, told_already=not asked.yes)
        look = _look(host, asked)
        if not asked.yes and look != seen:
            raise RefusedError("the host was changed since you were shown it, nothing was taken back; run it again")
        if look.chosen is None:
            return _tell(asked, dataclasses.replace(look, told=(*healed.said, *look.told)), 0)
        by = trial.take_back_by_hand if look.chosen.status is Status.UNCONFIRMED else undo.carry_out
        done = by(host, look.chosen, look.way, commit.invocation(host, asked.reason), asked.restart, asked.force)
    streams.did(f"the rollback of apply {look.chosen.id} is done")
    look = dataclasses.replace(look, told=(*healed.said, *done.said))
    code = 1 if look.told or look.way.kept else 0
    return _tell(asked, look, code, records=journal.records(host), told_already=not asked.yes)


def _chosen(records: list[Record], id: int | None) -> Record | None:
    """Return the record to take off, None where none is in force; raises UsageError."""
    standing = [r for r in records if r.status in (Status.APPLIED, Status.UNCONFIRMED)]
    standing = standing or [r for r in records if r.status is Status.PARTLY]
    if id is None:
        return standing[-1] if standing else None
    found = next((r for r in records if r.id == id), None)
    if found is None:
        raise UsageError(f"rollback {id}: no such apply; `hosttune history` lists them")
    return found if found.status in (Status.APPLIED, Status.UNCONFIRMED, Status.PARTLY) else None


def _why_none(records: list[Record], id: int | None) -> str:
    """Return why there is nothing to take back."""
    status = next((r.status for r in records if r.id == id), None)
    if status is Status.ROLLED_BACK:
        return f"nothing to take back: apply {id} is rolled back already"
    if status is not None:
        return f"nothing to take back: a write of apply {id} failed, and nothing of it is in force"
    return "nothing to take back: no apply is " + ("in force" if records else "recorded here")


def _look(host: LiveHost, asked: Asked) -> Look:
    """Return what a rollback would do now; what was interrupted has to be healed first."""
    read = journal.read(host)
    damaged_records.refuse_unsafe(host, read)
    look = _of(host, asked, read)
    return dataclasses.replace(look, damaged=tuple(damaged_records.documents(host, read)))


def _of(host: LiveHost, asked: Asked, read: Journal) -> Look:
    records = list(read.records)
    if asked.id is not None:
        damaged_records.refuse_damaged(host, read, asked.id)
    here = journal.here(host)
    away = [r for r in wayback.interrupted(records) if wayback.away(r, here)]
    for record in away if not asked.force else ():
        if record.id == asked.id:
            wayback.refuse_elsewhere(record, here)
    # what was interrupted in another network namespace is healed there
    found = [r for r in wayback.interrupted(records) if asked.force or r not in away]
    waiting = trial.unconfirmed(records)
    if waiting and waiting.confirm and confirm.over(waiting.confirm, confirm.moment(host)):
        found.append(waiting)
    chosen = _chosen(records, asked.id)
    if asked.id is None and not found:
        damaged_records.refuse_last(host, read, chosen)
    if found:
        told = tuple(f"apply {r.id} {_unfinished(r)}: a rollback heals it" for r in found)
        return Look(chosen if asked.id else None, WayBack(), told, tuple(r.id for r in found))
    if chosen is None:
        return Look(None, WayBack(), (_why_none(records, asked.id),))
    if chosen is waiting:
        return Look(chosen, trial.way_back(host, chosen, asked.force))
    confirming.refuse_while_unconfirmed(host, records)
    replan = functools.partial(apply_plan.replan, records)
    return Look(chosen, wayback.way_back(host, records, chosen, replan, here, asked.force))


def _unfinished(record: Record) -> str:
    return "was not confirmed in time" if record.status is Status.UNCONFIRMED else "was interrupted"


def _ask(asked: Asked, look: Look) -> None:
    """Show it and return on a yes; raises RefusedError for a no."""
    _print(look.chosen, look.way, look.told)
    if look.interrupted:
        asking.agree(f"Heal {' and '.join(f'apply {number}' for number in look.interrupted)}?")
    elif look.chosen:
        asking.agree(f"Take back {_name(look.chosen)}?")


def _name(record: Record) -> str:
    roles = record.request.roles
    role = f", role{'s' * (len(roles) > 1)} {' + '.join(roles)}" if roles else ""
    return f"apply {record.id} ({when(record.made.when)}{clean(role)})"


def _tell(
    asked: Asked, look: Look, code: int, *, records: list[Record] | None = None, told_already: bool = False
) -> int:
    """Print what became of it, `records` being those after it, and return the exit code."""
    chosen, way = look.chosen, look.way
    stays = _stays(chosen, way) if chosen else ""
    if asked.format == "json":
        document = {
            "schema": SCHEMA,
            "id": chosen.id if chosen else None,
            "dry_run": asked.dry_run,
            "changed": bool(way.changes),
            "diff": "".join(f"{line}\n" for change in way.changes for line in plan.diff(change)),
            "kept": list(way.kept),
            "told": [*look.told, *([stays] if stays else [])],
            "damaged": list(look.damaged),
        }
        print(json.dumps(document, indent=1))
        return code
    _print(chosen, WayBack() if told_already else way, look.told)
    if chosen is None or records is None:
        return code
    left = f", except for what is named above ({len(way.kept):,})" if way.kept else ""
    if any(r.id == chosen.id and r.status in (Status.ROLLED_BACK, Status.PARTLY) for r in records):
        print(f"  Apply {chosen.id} is taken back{left}.")
        if way.left and not asked.force:
            where = "" if asked.root == "/" else f" --root {printable.word(asked.root)}"
            print(f"  to take that back too: sudo hosttune rollback {chosen.id} --force{where}")
    for unit in () if asked.restart else chosen.restarts:
        named = printable.word(unit)
        print(f"  note: {clean(unit)} keeps its descriptors until it is started again: systemctl restart {named}")
    return code


def _stays(chosen: Record, way: WayBack) -> str:
    """Return what of an apply stays because others want it too; "" where nothing does."""
    moved = {(c.backend, c.target) for c in way.changes}
    wanted = {(c.backend, c.target): number for number, made in way.rewrites.items() for c in made}
    kept = [key for c in chosen.changes if (key := (c.backend, c.target)) in wanted and key not in moved]
    if not kept:
        return ""
    by = sorted({wanted[key] for key in kept})
    who = f"apply {', '.join(map(str, by))} want{'s' * (len(by) == 1)} them"
    if not moved:
        return f"its values stay: {who}"
    return f"{len(kept):,} of its {len(chosen.changes):,} changes stay: {who}"


def _print(chosen: Record | None, way: WayBack, told: Sequence[str]) -> None:
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    stays = _stays(chosen, way) if chosen else ""
    notes = (*way.kept, *([stays] if stays else []))
    units = {r.subject.name: r.unit for r in chosen.request.requirements} if chosen else {}
    print(plan.plan(Plan(changes=way.changes, notes=notes), width, units, reasons=False), end="")
    for line in told:
        print("\n".join(fold(f"  {line[:1].upper()}{line[1:]}.", width, "    ")))
