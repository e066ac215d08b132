"""Keep an apply that waits to be confirmed: write what waits, and end its timer."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass

from hosttune.changes import journal, trial
from hosttune.changes.confirm import moment, over
from hosttune.changes.record import Record, Status
from hosttune.errors import RefusedError
from hosttune.host.live import LiveHost
from hosttune.model import Plan
from hosttune.render import plan_text as plan
from hosttune.terminal import streams
from hosttune.workflows import confirming, damaged_records, opening

SCHEMA = "hosttune/confirm/1"
WANTED = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune confirm`, as given."""

    id: int | None
    dry_run: bool
    format: str


def run(asked: Asked) -> int:
    """Confirm it on this host, or show it; returns the exit code."""
    opening.check_format(asked.format)
    return on(LiveHost(), asked)


def on(host: LiveHost, asked: Asked) -> int:
    """Confirm it on a host, or show it; returns the exit code."""
    found = journal.read(host)
    damaged_records.refuse_unsafe(host, found)
    records = found.records
    waiting = trial.unconfirmed(records)
    id = asked.id if asked.id is not None else waiting.id if waiting else None
    if id is None:
        raise RefusedError("nothing to confirm: no apply waits for it; `hosttune history` lists them")
    if any(one.id == id and one.status is Status.APPLIED for one in records):
        return _tell(asked, id, None, 0)
    record = confirming.confirmable(records, id)
    if asked.dry_run:
        if why := over(record.confirm, moment(host)) if record.confirm else "":
            raise RefusedError(f"too late: apply {id} was {why}; `sudo hosttune rollback` takes it back")
        return _tell(asked, id, record, WANTED)
    kept = confirming.kept(host, id)
    streams.did(f"apply {id} is confirmed")
    return _tell(asked, id, record, 0, lasts=kept.request.persist)


def _tell(asked: Asked, id: int, record: Record | None, code: int, lasts: bool = True) -> int:
    """Print what is written by a confirm, None where it was confirmed before, and return the exit code."""
    changes = record.pending if record else ()
    if asked.format == "json":
        document = {
            "schema": SCHEMA,
            "id": id,
            "dry_run": asked.dry_run,
            "changed": record is not None,
            "files": [change.target for change in changes if change.backend == "file"],
            "diff": "".join(f"{line}\n" for change in changes for line in plan.diff(change)),
        }
        print(json.dumps(document, indent=1))
        return code
    if record is None:
        print(f"  Nothing to do: apply {id} is confirmed already.")
    elif code == WANTED:
        width = max(60, shutil.get_terminal_size((80, 24)).columns)
        print(plan.plan(Plan(changes=changes), width, reasons=False), end="")
        print(f"  keep it: sudo hosttune confirm {id}")
    else:
        until = "it stays, after a reboot too" if lasts else "it stays until the next boot (--runtime-only)"
        print(f"  Apply {id} is confirmed: {until}.")
        print(f"  undo: sudo hosttune rollback {id}")
    return code
