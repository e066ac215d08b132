"""Take an apply back: heal what was interrupted, show, ask, write under the lock."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from dataclasses import dataclass

from hosttune.changes import journal, undo, wayback
from hosttune.changes.journal import Record, Status
from hosttune.changes.wayback import WayBack
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


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the host came to: the record that comes off, how, and what else is to be told."""

    chosen: Record | None
    way: WayBack
    told: tuple[str, ...] = ()


def on(host: LiveHost, asked: Asked) -> int:
    """Carry it out on a host, or show it; returns the exit code."""
    if asked.dry_run:
        return _show(asked, _look(host, asked))
    shown = None if asked.yes else _ask(asked, _look(host, asked))
    if not journal.records(host):
        return _show(asked, _look(host, asked))
    with journal.locked(host, _open.teller()):
        healed = undo.heal(host, journal.records(host), asked.force)
        if healed.said and asked.id is None:
            return _tell(asked, Look(None, WayBack(), healed.said), 0 if healed.whole else 1)
        look = _look(host, asked)
        if shown is not None and shown != look:
            raise RefusedError("the host was changed since you were shown it, nothing was taken back; run it again")
        if look.chosen is None or not healed.whole:
            return _tell(asked, dataclasses.replace(look, told=healed.said + look.told), 0 if healed.whole else 1)
        done = undo.carry_out(host, look.chosen, look.way, asked.restart, asked.force)
    look = dataclasses.replace(look, told=healed.said + done.said)
    return _tell(asked, look, 1 if look.told or look.way.kept else 0)


def _look(host: LiveHost, asked: Asked) -> Look:
    records = journal.records(host)
    told = tuple(f"apply {r.id} was interrupted: a rollback heals it" for r in wayback.interrupted(records))
    if told:
        return Look(None, WayBack(), told)
    chosen = _chosen(records, asked.id)
    if chosen is None:
        return Look(None, WayBack(), ("nothing to take back: no apply is in force",))
    return Look(chosen, wayback.way_back(host, records, chosen, _planning.replan, journal.here(host), asked.force))


def _chosen(records: list[Record], id: int | None) -> Record | None:
    """Return the record to take off, None where none is in force; raises UsageError."""
    standing = [r for r in records if r.status is Status.APPLIED] or [r for r in records if r.status is Status.PARTLY]
    if id is None:
        return standing[-1] if standing else None
    found = next((r for r in records if r.id == id), None)
    if found is None:
        raise UsageError(f"rollback {id}: no such apply; `hosttune history` lists them")
    return found if found.status in (Status.APPLIED, Status.PARTLY) else None


def _show(asked: Asked, look: Look) -> int:
    wanted = look.way.changes or (look.chosen is None and any("interrupted" in line for line in look.told))
    return _tell(asked, look, 4 if wanted else 0)


def _ask(asked: Asked, look: Look) -> Look:
    """Show what would come off and ask; returns what was shown; raises RefusedError for anything but a yes."""
    _show(asked, look)
    if input("\nTake it back? [y/N] ").strip().lower() not in ("y", "yes"):
        raise RefusedError("nothing was changed")
    return look


def _tell(asked: Asked, look: Look, code: int) -> int:
    chosen, way, told = look.chosen, look.way, look.told
    if asked.format == "json":
        document = {
            "schema": SCHEMA,
            "id": chosen.id if chosen else None,
            "dry_run": asked.dry_run,
            "changed": bool(way.changes),
            "diff": "".join(f"{line}\n" for change in way.changes for line in _plan.diff(change)),
            "kept": list(way.kept),
            "told": list(told),
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
