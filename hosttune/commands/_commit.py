"""Write a plan under the lock, with its way back on disk first: the one way in which a verb changes a host."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.changes import confirm, journal, transaction, trial, wayback
from hosttune.changes.journal import Record, Status
from hosttune.changes.request import Request
from hosttune.commands import _confirming, _load, _open, _output, expire
from hosttune.errors import RefusedError
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Plan


def unfinished(host: Host, dry_run: bool) -> bool:
    """Say whether an earlier run was interrupted, so that what is seen now is not what this one will start from."""
    if not isinstance(host, LiveHost):
        return False
    try:
        records = journal.records(host)
    except RefusedError:
        if dry_run:
            return False  # who only looks need not be able to read the journal
        raise
    found = wayback.interrupted(records)
    for record in found:
        print(f"hosttune: apply {record.id} was interrupted: an apply or rollback heals it first", file=sys.stderr)
    if not dry_run:
        _confirming.refuse_while_unconfirmed(host, records)
    waiting = trial.unconfirmed(records)
    found += [waiting] if waiting and waiting.confirm and confirm.over(waiting.confirm, confirm.moment(host)) else []
    return bool(found)


@contextmanager
def healed(host: LiveHost) -> Iterator[list[Record]]:
    """Hold the lock, with what was interrupted brought to an end, and give the records; raises RefusedError."""
    with journal.locked(host, _open.teller()):
        records = journal.records(host)
        done = trial.heal(host, records)
        for line in done.said:
            print(f"hosttune: {line}", file=sys.stderr)
        if not done.whole:
            raise RefusedError(
                "an earlier run is not taken back whole, and this one would stand on it: mend what is named above and "
                "run `hosttune rollback`, or give it up with `hosttune rollback --force`"
            )
        _confirming.refuse_while_unconfirmed(host, records)
        yield records


def carry_out(
    host: LiveHost, records: list[Record], request: Request, plan: Plan, within: _confirming.Within | None = None
) -> Record:
    """Make the changes of a plan, and return the record that takes them back; raises ApplyError.

    With `within` only those that a reboot forgets are made, and are taken back unless they are confirmed in time.
    """
    record = Record(
        id=max((r.id for r in records), default=0) + 1,
        status=Status.APPLYING,
        when=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        command=_load.command(),
        request=request,
        changes=plan.changes,
        reload=plan.reload,
        restarts=plan.restarts,
        one_way=plan.one_way,
        where=journal.here(host),
    )
    if within is None:
        record = transaction.apply(host, record, plan.restart)
        _output.did(f"apply {record.id} is done")
        return record
    parts = confirm.split(host, plan.changes)
    deadline = _confirming.begun(host, within.seconds)
    record = dataclasses.replace(record, changes=parts.now, pending=parts.waits, confirm=deadline)
    record = trial.apply(host, record, plan.restart, expire.command(record.id))
    _output.did(f"apply {record.id} is done, and waits to be confirmed")
    return record
