"""What to say of records that cannot be used: the file, what is wrong with it, and what to do."""

from __future__ import annotations

import sys

from hosttune import printable
from hosttune.changes import journal
from hosttune.changes.journal import Damaged, Journal
from hosttune.changes.record import Record
from hosttune.errors import RefusedError
from hosttune.host.live import LiveHost
from hosttune.printable import clean


def documents(host: LiveHost, found: Journal) -> list[dict[str, object]]:
    """Return each as the JSON documents have it, with those that were not read, and the directory."""
    rows: list[dict[str, object]] = [
        {"id": one.id, "file": _real(host, one.path), "why": clean(one.why), "fix": _fix(host, one)}
        for one in found.damaged
    ]
    directory = _real(host, journal.DIRECTORY)
    if found.unread:
        rows.append({"id": None, "file": directory, "why": _unread(found), "fix": _FEWER})
    if found.unsafe:
        rows.append({"id": None, "file": directory, "why": found.unsafe, "fix": _own(directory)})
    return rows


def warn(host: LiveHost, found: Journal, chosen: Record | None = None) -> None:
    """Say in one line on standard error what cannot be used of the journal; nothing where all can.

    Of `chosen`, the apply that is taken back, a second line says which later ones may need what goes with it. What
    such a one has changed itself is not as `chosen` left it, so that it stays and is named.
    """
    rows = documents(host, found)
    if rows:
        more = f"; and {len(rows) - 1:,} more, `hosttune history` lists them" if rows[1:] else ""
        print(f"hosttune: warning: {sentence(rows[0])}{more}", file=sys.stderr)
    later = [one.id for one in found.damaged if chosen is not None and one.id > chosen.id]
    if later:
        numbers = f"{', '.join(map(str, later[:6]))}{' and others' if later[6:] else ''}"
        print(
            f"hosttune: warning: whether apply {numbers} needs values that this rollback takes back cannot be told; "
            "apply again what this host shall be",
            file=sys.stderr,
        )


def sentence(row: dict[str, object]) -> str:
    """Return one in a sentence."""
    damaged = " is damaged" if row["id"] else ""
    return f"{row['file']}{damaged}: {row['why']}; {row['fix']}"


def refuse_unsafe(host: LiveHost, found: Journal) -> None:
    """Raise RefusedError where others could have written the journal's directory: nothing in it can be trusted."""
    if found.unsafe:
        directory = _real(host, journal.DIRECTORY)
        raise RefusedError(f"{directory}: {found.unsafe}; {_own(directory)}")


def refuse_damaged(host: LiveHost, found: Journal, id: int) -> None:
    """Raise RefusedError where an apply has no record that can be used."""
    if any(record.id == id for record in found.records):
        return
    for one in found.damaged:
        if one.id == id:
            row = next(row for row in documents(host, found) if row["file"] == _real(host, one.path))
            raise RefusedError(f"apply {id} cannot be taken back: {sentence(row)}")
    if id in found.unread:
        raise RefusedError(f"apply {id}: {_unread(found)}; {_FEWER}")


def refuse_last(host: LiveHost, found: Journal, chosen: Record | None) -> None:
    """Raise RefusedError where a record that cannot be used may be that of the last apply: which to take back is asked.

    `chosen` is the last one in force that can be told, None where there is none.
    """
    later = [one for one in found.damaged if chosen is None or one.id > chosen.id]
    if later:
        row = next(row for row in documents(host, found) if row["file"] == _real(host, later[-1].path))
        where = "" if host.root == "/" else f" --root {printable.word(host.root)}"
        other = f", or take back the one before: sudo hosttune rollback {chosen.id}{where}" if chosen else ""
        raise RefusedError(f"which apply is the last cannot be told: {sentence(row)}{other}")


_FEWER = "move the records of applies that are rolled back to another place"


def _unread(found: Journal) -> str:
    return (
        f"{len(found.unread):,} records, up to number {found.unread[-1]}, are not read: {journal.MOST:,} records and "
        f"{journal.ROOM >> 20} MiB are"
    )


def _fix(host: LiveHost, one: Damaged) -> str:
    path = printable.word(_real(host, one.path))
    return f"take back by hand what it lists, then: sudo mv {path} {printable.word(_real(host, one.path) + '.damaged')}"


def _own(directory: str) -> str:
    path = printable.word(directory)
    return f"look at what is in it, then: sudo chown root: {path} && sudo chmod 0755 {path}"


def _real(host: LiveHost, path: str) -> str:
    return path if host.root == "/" else host.root + path
