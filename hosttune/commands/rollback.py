"""Take an apply back: heal what was interrupted, show, ask, write under the lock."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass

from hosttune.changes import journal, undo
from hosttune.changes.journal import Record, Status
from hosttune.changes.undo import WayBack
from hosttune.commands import _open, _planning
from hosttune.errors import RefusedError, UsageError
from hosttune.host.live import LiveHost
from hosttune.model import Plan
from hosttune.render import _plan

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


def run(asked: Asked) -> int:
    """Carry it out on the host that the options name, or show it; returns the exit code."""
    _open.check_format(asked.format)
    if not (asked.yes or asked.dry_run or sys.stdin.isatty()):
        raise UsageError("nobody can be asked here: look with --dry-run, then say --yes")
    return on(LiveHost(asked.root), asked)


def on(host: LiveHost, asked: Asked) -> int:
    """Carry it out on a host, or show it; returns the exit code."""
    if asked.dry_run:
        return _show(asked, host)
    if not journal.records(host):
        return _tell(asked, None, WayBack((), {}, ()), ["nothing to take back: no apply is recorded here"], 0)
    if not asked.yes:
        _ask(asked, host)
    with journal.locked(host):
        records = journal.records(host)
        told = undo.heal(host, records, asked.force)
        if told and asked.id is None:
            return _tell(asked, None, WayBack((), {}, ()), told, 0)
        chosen = _chosen(journal.records(host), asked.id)
        if chosen is None:
            return _tell(asked, None, WayBack((), {}, ()), [*told, "nothing to take back: no apply is in force"], 0)
        way = _way_back(host, chosen, asked.force)
        told += undo.carry_out(host, chosen, way, asked.restart, asked.force)
    return _tell(asked, chosen, way, told, 1 if told or way.kept else 0)


def _chosen(records: list[Record], id: int | None) -> Record | None:
    """Return the record to take off, None where none is in force; raises UsageError."""
    active = undo.active(records)
    if id is None:
        return active[-1] if active else None
    found = next((r for r in records if r.id == id), None)
    if found is None:
        raise UsageError(f"rollback {id}: no such apply; `hosttune history` lists them")
    return found if found.status is Status.APPLIED else None


def _way_back(host: LiveHost, chosen: Record, force: bool) -> WayBack:
    return undo.way_back(host, journal.records(host), chosen, _planning.replan, force)


def _show(asked: Asked, host: LiveHost) -> int:
    records = journal.records(host)
    told = [f"apply {r.id} was interrupted: a rollback heals it" for r in undo.interrupted(records)]
    chosen = _chosen(records, asked.id)
    way = _way_back(host, chosen, asked.force) if chosen and not told else WayBack((), {}, ())
    code = 4 if told or way.changes else 0
    if not told and chosen is None:
        told = ["nothing to take back: no apply is in force"]
    return _tell(asked, chosen, way, told, code)


def _ask(asked: Asked, host: LiveHost) -> None:
    _show(asked, host)
    if input("\nTake it back? [y/N] ").strip().lower() not in ("y", "yes"):
        raise RefusedError("nothing was changed")


def _tell(asked: Asked, chosen: Record | None, way: WayBack, told: list[str], code: int) -> int:
    if asked.format == "json":
        document = {
            "schema": SCHEMA,
            "id": chosen.id if chosen else None,
            "dry_run": asked.dry_run,
            "changed": bool(way.changes),
            "diff": "".join(f"{line}\n" for change in way.changes for line in _plan.diff(change)),
            "kept": list(way.kept),
            "told": told,
        }
        print(json.dumps(document, indent=1))
        return code
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    print(_plan.plan(Plan(changes=way.changes, notes=(*way.kept, *told)), width), end="")
    if chosen and not asked.dry_run and asked.yes:
        print(f"  Apply {chosen.id} is taken back.")
        for unit in () if asked.restart else chosen.restarts:
            print(f"  note: {unit} keeps its descriptors until it is started again: systemctl restart {unit}")
    return code
