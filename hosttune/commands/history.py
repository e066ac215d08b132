"""List the applies of this host, and which are in force."""

from __future__ import annotations

import json
import shutil

from hosttune import printable
from hosttune.changes import journal
from hosttune.changes.journal import Record, Status
from hosttune.commands import _open
from hosttune.host.live import LiveHost
from hosttune.render._figures import fold, when

SCHEMA = "hosttune/history/1"

_STATES = {
    Status.APPLIED: "in force",
    Status.UNDONE: "failed and undone",
    Status.ROLLED_BACK: "rolled back",
    Status.PARTLY: "rolled back but for what others changed",
    Status.APPLYING: "interrupted",
    Status.ROLLING_BACK: "rollback interrupted",
}


def run(root: str, format: str) -> None:
    """Print each with the command that takes it back, oldest first."""
    _open.check_format(format)
    records = journal.records(LiveHost(root))
    if format == "json":
        print(json.dumps({"schema": SCHEMA, "applies": [journal.encode(record) for record in records]}, indent=1))
        return
    if not records:
        print("no apply is recorded here")
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    for record in records:
        print("\n".join(_lines(record, root, width)))


def _lines(record: Record, root: str, width: int) -> list[str]:
    request, count = record.request, len(record.changes)
    role = f"role {' + '.join(request.roles)}, " if request.roles else ""
    layers = [name for name, asked in (("runtime", request.runtime), ("boot", request.persist)) if asked]
    # of `hosttune sources` nothing else was asked
    wanted = f"{request.connections:,} connections" if request.connections else "source addresses"
    head = f"{record.id:>4}  {when(record.when)}  {_STATES[record.status]}  {role}{wanted}"
    what = f"{count:,} change{'s' * (count != 1)}, {' and '.join(layers)}: {record.command}"
    lines = [*fold(head, width, "      "), *fold(f"      {what}", width, "        ")]
    undo = {
        Status.APPLIED: f"undo: sudo hosttune rollback {record.id}",
        Status.PARTLY: f"the rest: sudo hosttune rollback {record.id} --force",
    }
    undo |= dict.fromkeys((Status.APPLYING, Status.ROLLING_BACK), "heal: sudo hosttune rollback")
    if record.status in undo:
        where = "" if root == "/" else f" --root {printable.word(root)}"
        lines.append(f"      {undo[record.status]}{where}")
    return lines
