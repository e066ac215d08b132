"""Enter the network namespace that an apply was made in, where it has a name and is still the very one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.changes import journal, wayback
from hosttune.changes.record import UNFINISHED, Record, Status
from hosttune.errors import RefusedError, UsageError
from hosttune.host import netns
from hosttune.host.live import LiveHost


@contextmanager
def of_record(host: LiveHost, id: int | None) -> Iterator[None]:
    """Be for a while where the apply of this number was made, None for the one that a rollback takes off by itself.

    Where that cannot be, this process stays where it is, and what is to be done there is refused.
    """
    name = _name(host, id) if host.runs else ""
    with netns.within(name):
        yield


def _name(host: LiveHost, id: int | None) -> str:
    """Return the name to enter by, "" for none."""
    try:
        records = journal.records(host)
    except RefusedError:
        return ""  # what reads them next says so
    record = _chosen(records, id)
    own = journal.instance(host)
    if record is None or not record.where.name or not wayback.elsewhere(record, own):
        return ""
    try:
        with netns.within(record.where.name):
            same = journal.instance(host).namespace == record.where.namespace
    except UsageError:
        return ""
    return record.where.name if same else ""


def _chosen(records: list[Record], id: int | None) -> Record | None:
    if id is not None:
        return next((record for record in records if record.id == id), None)
    for kinds in (UNFINISHED, (Status.APPLIED,), (Status.PARTLY,)):
        if standing := [record for record in records if record.status in kinds]:
            return standing[-1]
    return None
