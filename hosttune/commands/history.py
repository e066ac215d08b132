"""List the applies of this host: which are in force, who made them and why, and which records cannot be used."""

from __future__ import annotations

import json
import shutil

from hosttune import printable
from hosttune.changes import journal
from hosttune.changes.codec import encode
from hosttune.changes.confirm import BY_HAND, IN_TIME, Moment, left, moment, over
from hosttune.changes.record import Invocation, Record, Status
from hosttune.host.live import LiveHost
from hosttune.model import Who
from hosttune.render.figures import fold, when
from hosttune.workflows import damaged_records, opening

SCHEMA = "hosttune/history/1"
_SHOWN = 20
"""Damaged records that the table shows; JSON has all."""

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
    opening.check_format(format)
    on(LiveHost(root), root, format)


def on(host: LiveHost, root: str, format: str) -> None:
    """Print those of a host."""
    found, now = journal.read(host), moment(host)
    damaged = damaged_records.documents(host, found)
    if format == "json":
        applies = [encode(record) for record in found.records]
        print(json.dumps({"schema": SCHEMA, "applies": applies, "damaged": damaged}, indent=1))
        return
    if not found.records and not damaged:
        print("no apply is recorded here")
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    for record in found.records:
        print("\n".join(_lines(record, root, width, now)))
    for row in damaged[-_SHOWN:]:
        number = row["id"] if row["id"] is not None else "?"
        # a command stands in a line of its own, so that it can be pasted
        said, _, command = damaged_records.sentence(row).partition(": sudo ")
        print("\n".join(fold(f"{number:>4}  cannot be used: {said}{':' * bool(command)}", width, "      ")))
        print(f"      sudo {command}" if command else "", end="\n" if command else "")
    if damaged[_SHOWN:]:
        print(f"      and {len(damaged) - _SHOWN:,} more, which --format json lists")


def _lines(record: Record, root: str, width: int, now: Moment | None) -> list[str]:
    request, count = record.request, len(record.changes)
    role = f"role {' + '.join(request.roles)}, " if request.roles else ""
    layers = [name for name, asked in (("runtime", request.runtime), ("boot", request.persist)) if asked]
    # of `hosttune sources` nothing else was asked
    wanted = f"{request.connections:,} connections" if request.connections else "source addresses"
    head = f"{record.id:>4}  {when(record.made.when)}  {_state(record, now)}  {role}{wanted}"
    what = f"{count:,} change{'s' * (count != 1)}, {' and '.join(layers)}: {record.made.command}"
    lines = [*fold(head, width, "      "), *fold(f"      {what}", width, "        ")]
    for said in (_by("by", record.made), *(_by(f"rolled back {when(i.when)} by", i) for i in record.rollbacks)):
        lines += fold(f"      {said}", width, "        ") if said else []
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
        where = "" if root == "/" else f" --root {printable.word(root)}"
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


def _by(what: str, made: Invocation) -> str:
    """Return who did something and why; the reason is last, so that whatever it says it ends the line."""
    return f"{what} {_name(made.who)}{f'; reason: {made.reason}' if made.reason else ''}"


def _name(who: Who) -> str:
    """Return a person as the journal knows them: alice, by sudo, on pts/0, over ssh from 10.0.0.5."""
    sudo = "" if not who.sudo else " by sudo" if who.sudo == who.login else f" by sudo of {who.sudo}"
    tty = f" on {who.tty}" if who.tty else ""
    return f"{who.login or 'unknown'}{sudo}{tty}{f' over ssh from {who.ssh}' if who.ssh else ''}"
