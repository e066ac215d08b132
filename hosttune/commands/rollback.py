"""Take an apply back: heal what was interrupted, show, ask, write under the lock."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass

from hosttune.changes import journal, undo
from hosttune.changes.journal import Record, Status
from hosttune.changes.undo import WayBack
from hosttune.commands import _asking, _open, _output, _planning
from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.model import Plan
from hosttune.render import _plan
from hosttune.render._figures import clean, fold, when

SCHEMA = "hosttune/rollback/1"
_NO_WAY = WayBack((), {}, ())


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


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person was shown and has agreed to."""

    chosen: Record | None
    way: WayBack
    told: list[str]


def run(asked: Asked) -> int:
    """Carry it out on the host that the options name, or show it; returns the exit code."""
    _open.check_format(asked.format)
    _asking.check(asked.format, told=asked.yes or asked.dry_run)
    return on(LiveHost(asked.root), asked)


def on(host: LiveHost, asked: Asked) -> int:
    """Carry it out on a host, or show it; returns the exit code."""
    shown: Shown | None = None
    if asked.dry_run or not journal.records(host):
        shown = _look(asked, host)
        return _tell(asked, shown, 4 if shown.way.changes or undo.interrupted(journal.records(host)) else 0)
    if not asked.yes:
        shown = _look(asked, host)
        if not _ask(asked, host, shown):
            return 0
    with _asking.patience(journal.locked(host)):
        records = journal.records(host)
        told = undo.heal(host, records, asked.force)
        if told and asked.id is None:
            return _tell(asked, Shown(None, _NO_WAY, told), 0, told_already=shown is not None)
        chosen = _chosen(journal.records(host), asked.id)
        if chosen is None:
            return _tell(asked, Shown(None, _NO_WAY, [*told, _why_none(journal.records(host), asked.id)]), 0)
        way = _way_back(host, chosen, asked.force)
        told += undo.carry_out(host, chosen, way, asked.restart, asked.force)
    _output.did(f"the rollback of apply {chosen.id} is done")
    records = journal.records(host)
    code = 1 if told or way.kept else 0
    return _tell(asked, Shown(chosen, way, told), code, records=records, told_already=shown is not None)


def _chosen(records: list[Record], id: int | None) -> Record | None:
    """Return the record to take off, None where none is in force; raises UsageError."""
    active = undo.active(records)
    if id is None:
        return active[-1] if active else None
    found = next((r for r in records if r.id == id), None)
    if found is None:
        raise UsageError(f"rollback {id}: no such apply; `hosttune history` lists them")
    return found if found.status is Status.APPLIED else None


def _why_none(records: list[Record], id: int | None) -> str:
    """Return why there is nothing to take back."""
    status = next((r.status for r in records if r.id == id), None)
    if status is Status.ROLLED_BACK:
        return f"nothing to take back: apply {id} is rolled back already"
    if status is not None:
        return f"nothing to take back: a write of apply {id} failed, and nothing of it is in force"
    return "nothing to take back: no apply is " + ("in force" if records else "recorded here")


def _way_back(host: LiveHost, chosen: Record, force: bool) -> WayBack:
    return undo.way_back(host, journal.records(host), chosen, _planning.replan, force)


def _look(asked: Asked, host: LiveHost) -> Shown:
    """Return what a rollback would do now; what was interrupted has to be healed first."""
    records = journal.records(host)
    told = [f"apply {r.id} was interrupted: a rollback heals it" for r in undo.interrupted(records)]
    chosen = _chosen(records, asked.id)
    if told:
        return Shown(chosen if asked.id else None, _NO_WAY, told)
    if chosen is None:
        return Shown(None, _NO_WAY, [_why_none(records, asked.id)])
    return Shown(chosen, _way_back(host, chosen, asked.force), [])


def _ask(asked: Asked, host: LiveHost, shown: Shown) -> bool:
    """Show it and return on a yes; False where there is nothing to ask. Raises RefusedError for a no."""
    _print(asked, shown.chosen, shown.way, shown.told)
    interrupted = undo.interrupted(journal.records(host))
    if shown.chosen is None and not interrupted:
        return False
    if interrupted:
        _asking.agree(f"Heal {' and '.join(f'apply {r.id}' for r in interrupted)}?")
    elif shown.chosen:
        _asking.agree(f"Take back {_name(shown.chosen)}?")
    return True


def _name(record: Record) -> str:
    roles = record.request.roles
    role = f", role{'s' * (len(roles) > 1)} {' + '.join(roles)}" if roles else ""
    return f"apply {record.id} ({when(record.when)}{clean(role)})"


def _tell(
    asked: Asked, shown: Shown, code: int, *, records: list[Record] | None = None, told_already: bool = False
) -> int:
    """Print what became of it, `records` being those after it, and return the exit code."""
    chosen, way = shown.chosen, shown.way
    stays = _stays(chosen, way) if chosen else ""
    if asked.format == "json":
        document = {
            "schema": SCHEMA,
            "id": chosen.id if chosen else None,
            "dry_run": asked.dry_run,
            "changed": bool(way.changes),
            "diff": "".join(f"{line}\n" for change in way.changes for line in _plan.diff(change)),
            "kept": list(way.kept),
            "told": [*shown.told, *([stays] if stays else [])],
        }
        print(json.dumps(document, indent=1))
        return code
    _print(asked, chosen, way if not told_already else WayBack((), {}, ()), shown.told)
    if chosen is None or records is None:
        return code
    left = f", except for what is named above ({len(way.kept):,})" if way.kept else ""
    if any(r.id == chosen.id and r.status is Status.ROLLED_BACK for r in records):
        print(f"  Apply {chosen.id} is taken back{left}.")
    for unit in () if asked.restart else chosen.restarts:
        print(f"  note: {unit} keeps its descriptors until it is started again: systemctl restart {unit}")
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


def _print(asked: Asked, chosen: Record | None, way: WayBack, told: list[str]) -> None:
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    stays = _stays(chosen, way) if chosen else ""
    notes = (*way.kept, *([stays] if stays else []))
    units = {r.subject.name: r.unit for r in chosen.request.requirements} if chosen else {}
    print(_plan.plan(Plan(changes=way.changes, notes=notes), width, units, reasons=False), end="")
    for line in told:
        print("\n".join(fold(f"  {line[:1].upper()}{line[1:]}.", width, "    ")))
