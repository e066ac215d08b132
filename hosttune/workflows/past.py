"""The applies of a host: which are in force, who made them and why, and which records cannot be used."""

from __future__ import annotations

from hosttune import printable
from hosttune.changes import journal
from hosttune.changes.codec import encode
from hosttune.changes.confirm import BY_HAND, IN_TIME, Moment, left, moment, over
from hosttune.changes.record import Record, Status
from hosttune.host.live import LiveHost
from hosttune.model.acting import History, Past
from hosttune.workflows import damaged_records

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


def history(root: str = "/") -> History:
    """Return the applies of this host, or of the image below `root`; raises RefusedError."""
    return on(LiveHost(root))


def on(host: LiveHost) -> History:
    """Return those of a host."""
    read, now = journal.read(host), moment(host)
    root = "/" if host.runs else host.root
    applies = tuple(_past(record, root, now) for record in read.records)
    return History(applies, damaged_records.unusable(host, read))


def _past(record: Record, root: str, now: Moment | None) -> Past:
    request = record.request
    layers = (("runtime", request.runtime), ("boot", request.persist))
    where = "" if root == "/" else f" --root {printable.word(root)}"
    return Past(
        id=record.id,
        status=record.status,
        state=_state(record, now),
        made=record.made,
        rollbacks=record.rollbacks,
        roles=request.roles,
        connections=request.connections,
        layers=tuple(name for name, written in layers if written),
        changes=len(record.changes),
        steps=tuple((what, f"sudo hosttune {verb}{where}") for what, verb in _steps(record, now)),
        record=encode(record),
    )


def _steps(record: Record, now: Moment | None) -> tuple[tuple[str, str], ...]:
    """Return what keeps an apply, or takes it back: what for, and the verb with its words."""
    if record.status is Status.APPLIED:
        return (("undo", f"rollback {record.id}"),)
    if record.status is Status.PARTLY:
        return (("the rest", f"rollback {record.id} --force"),)
    if record.status in (Status.UNDONE, Status.ROLLED_BACK):
        return ()
    if record.status is Status.UNCONFIRMED and record.confirm and not over(record.confirm, now):
        return ("keep", f"confirm {record.id}"), ("undo", f"rollback {record.id}")
    return (("heal", "rollback"),)


def _state(record: Record, now: Moment | None) -> str:
    """Return what became of an apply."""
    given = record.confirm
    if given is None:
        return _STATES[record.status]
    if record.status is Status.UNCONFIRMED:
        why = over(given, now)
        if why == IN_TIME:
            return f"{why}, and its timer has not undone it"
        return why or f"not confirmed: {left(given, now):,} s left"
    if not given.ended or record.status not in (Status.UNDONE, Status.ROLLED_BACK, Status.PARTLY):
        return _STATES[record.status]  # what failed by itself, or is being taken back
    back = "" if given.ended == BY_HAND else ", undone"
    return f"{given.ended}{back}{' but for what others changed' if record.status is Status.PARTLY else ''}"
