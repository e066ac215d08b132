"""List the applies of this host, and which are in force."""

from __future__ import annotations

import json
import shlex
import shutil

from hosttune.changes import journal
from hosttune.changes.confirm import BY_HAND, IN_TIME, Moment, left, moment, over
from hosttune.changes.journal import Record, Status
from hosttune.commands import _open
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.render._figures import fold, when

SCHEMA = "hosttune/history/1"

_STATES = {
    Status.APPLIED: "in force",
    Status.UNDONE: "failed and undone",
    Status.ROLLED_BACK: "rolled back",
    Status.PARTLY: "rolled back but for what others changed",
    Status.UNCONFIRMED: "not confirmed",
    Status.CONFIRMING: "confirm interrupted",
    Status.APPLYING: "interrupted",
    Status.ROLLING_BACK: "rollback interrupted",
}


def run(root: str, format: str) -> None:
    """Print each with the command that takes it back, oldest first."""
    _open.check_format(format)
    on(LiveHost(root), root, format)


def on(host: Host, root: str, format: str) -> None:
    """Print those of a host."""
    records, now = journal.records(host), moment(host)
    if format == "json":
        print(json.dumps({"schema": SCHEMA, "applies": [journal.encode(record) for record in records]}, indent=1))
        return
    if not records:
        print("no apply is recorded here")
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    for record in records:
        print("\n".join(_lines(record, root, width, now)))


def _lines(record: Record, root: str, width: int, now: Moment | None) -> list[str]:
    request, count = record.request, len(record.changes)
    role = f"role {' + '.join(request.roles)}, " if request.roles else ""
    layers = [name for name, asked in (("runtime", request.runtime), ("boot", request.persist)) if asked]
    # of `hosttune sources` nothing else was asked
    wanted = f"{request.connections:,} connections" if request.connections else "source addresses"
    head = f"{record.id:>4}  {when(record.when)}  {_state(record, now)}  {role}{wanted}"
    what = f"{count:,} change{'s' * (count != 1)}, {' and '.join(layers)}: {record.command}"
    lines = [*fold(head, width, "      "), *fold(f"      {what}", width, "        ")]
    undo = {
        Status.APPLIED: f"undo: sudo hosttune rollback {record.id}",
        Status.PARTLY: f"the rest: sudo hosttune rollback {record.id} --force",
    }
    if record.confirm and not over(record.confirm, now):
        keep, back = f"sudo hosttune confirm {record.id}", f"sudo hosttune rollback {record.id}"
        undo[Status.UNCONFIRMED] = f"keep: {keep}; undo: {back}"
    else:
        undo[Status.UNCONFIRMED] = "heal: sudo hosttune rollback"
    undo |= dict.fromkeys((Status.APPLYING, Status.CONFIRMING, Status.ROLLING_BACK), "heal: sudo hosttune rollback")
    if record.status in undo:
        where = "" if root == "/" else f" --root {shlex.quote(root)}"
        lines.append(f"      {undo[record.status]}{where}")
    return lines


def _state(record: Record, now: Moment | None) -> str:
    """Return what became of an apply."""
    given = record.confirm
    if given is None:
        return _STATES[record.status]
    if record.status is Status.UNCONFIRMED:
        why = over(given, now)
        if why == IN_TIME:
            return f"{why}, and its timer has not taken it back"
        return why or f"not confirmed: {left(given, now):,} s left"
    if not given.ended or record.status not in (Status.UNDONE, Status.ROLLED_BACK, Status.PARTLY):
        return _STATES[record.status]  # what failed by itself, or is being taken back
    back = "" if given.ended == BY_HAND else ", taken back"
    return f"{given.ended}{back}{' but for what others changed' if record.status is Status.PARTLY else ''}"
