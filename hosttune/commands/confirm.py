"""Keep an apply that waits to be confirmed: write what waits, and end its timer."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hosttune.changes import journal, trial
from hosttune.commands import _confirming, _open, _output
from hosttune.errors import RefusedError
from hosttune.host.live import LiveHost

SCHEMA = "hosttune/confirm/1"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune confirm`, as given."""

    id: int | None
    format: str


def run(asked: Asked) -> int:
    """Confirm it on this host; returns the exit code."""
    _open.check_format(asked.format)
    return on(LiveHost(), asked)


def on(host: LiveHost, asked: Asked) -> int:
    """Confirm it on a host; returns the exit code."""
    records = journal.records(host)
    waiting = trial.unconfirmed(records)
    id = asked.id if asked.id is not None else waiting.id if waiting else None
    if id is None:
        raise RefusedError("nothing to confirm: no apply waits for it; `hosttune history` lists them")
    already = next((r.confirm is None and r.status is journal.Status.APPLIED for r in records if r.id == id), False)
    record = _confirming.kept(host, id)
    if not already:
        _output.did(f"apply {id} is confirmed")
    if asked.format == "json":
        files = [c.target for c in record.changes if c.backend == "file"]
        print(json.dumps({"schema": SCHEMA, "id": id, "changed": not already, "files": files}, indent=1))
    elif already:
        print(f"  Nothing to do: apply {id} is in force already.")
    else:
        print(f"  Apply {id} is confirmed: it stays, after a reboot too." if record.request.persist else
              f"  Apply {id} is confirmed: it stays until the next boot (--runtime-only).")  # fmt: skip
        print(f"  undo: sudo hosttune rollback {id}")
    return 0
