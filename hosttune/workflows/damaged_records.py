"""What to say of records that cannot be used: the file, what is wrong with it, and what to do."""

from __future__ import annotations

from hosttune import printable
from hosttune.changes import journal
from hosttune.changes.journal import Damaged, Journal
from hosttune.changes.record import Record
from hosttune.errors import RefusedError
from hosttune.host.live import LiveHost
from hosttune.model.acting import Unusable
from hosttune.printable import clean
from hosttune.workflows import telling


def unusable(host: LiveHost, read: Journal) -> tuple[Unusable, ...]:
    """Return each record that cannot be used, with those that were not read, and the directory."""
    directory = _real(host, journal.DIRECTORY)
    rows = [_row(host, damaged) for damaged in read.damaged]
    rows += [Unusable(None, directory, _unread(read), _FEWER)] if read.unread else []
    rows += [Unusable(None, directory, read.unsafe, _own(directory))] if read.unsafe else []
    return tuple(rows)


def warn(host: LiveHost, read: Journal, chosen: Record | None = None) -> None:
    """Tell in one line what cannot be used of the journal; nothing where all can.

    Of `chosen`, the apply that is taken back, a second line says which later ones may need what goes with it. What
    such a one has changed itself is not as `chosen` left it, so that it stays and is named.
    """
    rows = unusable(host, read)
    if rows:
        more = f"; and {len(rows) - 1:,} more, `hosttune history` lists them" if rows[1:] else ""
        telling.tell(f"warning: {sentence(rows[0])}{more}")
    later = [damaged.id for damaged in read.damaged if chosen is not None and damaged.id > chosen.id]
    if later:
        numbers = f"{', '.join(map(str, later[:6]))}{' and others' if later[6:] else ''}"
        telling.tell(
            f"warning: whether apply {numbers} needs values that this rollback undoes is unknown; "
            "apply the host's role again"
        )


def sentence(row: Unusable) -> str:
    """Return one in a sentence."""
    damaged = " is damaged" if row.id else ""
    return f"{row.file}{damaged}: {row.why}; {row.fix}"


def refuse_unsafe(host: LiveHost, read: Journal) -> None:
    """Raise RefusedError where others could have written the journal's directory: nothing in it can be trusted."""
    if read.unsafe:
        directory = _real(host, journal.DIRECTORY)
        raise RefusedError(f"{directory}: {read.unsafe}; {_own(directory)}")


def refuse_damaged(host: LiveHost, read: Journal, id: int) -> None:
    """Raise RefusedError where an apply has no record that can be used."""
    if any(record.id == id for record in read.records):
        return
    for damaged in read.damaged:
        if damaged.id == id:
            raise RefusedError(f"apply {id} cannot be undone: {sentence(_row(host, damaged))}")
    if id in read.unread:
        raise RefusedError(f"apply {id}: {_unread(read)}; {_FEWER}")


def refuse_last(host: LiveHost, read: Journal, chosen: Record | None) -> None:
    """Raise RefusedError where a record that cannot be used may be that of the last apply: which to take back is asked.

    `chosen` is the last one in force that is known, None where there is none.
    """
    later = [damaged for damaged in read.damaged if chosen is None or damaged.id > chosen.id]
    if later:
        where = "" if host.root == "/" else f" --root {printable.word(host.root)}"
        other = f", or undo the one before: sudo hosttune rollback {chosen.id}{where}" if chosen else ""
        raise RefusedError(f"which apply is the last is unknown: {sentence(_row(host, later[-1]))}{other}")


_FEWER = "move the records of applies that are rolled back to another place"


def _row(host: LiveHost, damaged: Damaged) -> Unusable:
    path = _real(host, damaged.path)
    aside = f"sudo mv {printable.word(path)} {printable.word(path + '.damaged')}"
    return Unusable(damaged.id, path, clean(damaged.why), f"undo by hand what it lists, then: {aside}")


def _unread(read: Journal) -> str:
    return (
        f"{len(read.unread):,} records, up to number {read.unread[-1]}, are not read: {journal.MOST:,} records and "
        f"{journal.ROOM >> 20} MiB are"
    )


def _own(directory: str) -> str:
    path = printable.word(directory)
    return f"look at what is in it, then: sudo chown root: {path} && sudo chmod 0755 {path}"


def _real(host: LiveHost, path: str) -> str:
    return path if host.root == "/" else host.root + path
