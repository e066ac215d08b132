"""Write a plan under the lock, with its way back on disk first: the one way in which a verb changes a host."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hosttune.changes import confirm, journal, transaction, trial, wayback
from hosttune.changes.journal import Journal
from hosttune.changes.record import Record, Status
from hosttune.changes.request import Request
from hosttune.errors import RefusedError
from hosttune.facts import session
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import HOST, Plan, Where
from hosttune.model.acting import Invocation, Unusable
from hosttune.printable import clean
from hosttune.render import where_words
from hosttune.workflows import confirming, damaged_records, expire, opening, telling

_LIBRARY = "a program that uses hosttune as a library"
"""What made an apply of which its caller says no command."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the journal says before a run: whether an earlier one was interrupted, and what of it cannot be used."""

    unfinished: bool = False
    damaged: tuple[Unusable, ...] = ()


def before(host: Host, dry_run: bool) -> Before:
    """Look into the journal, and report what is to be known of it.

    Where an earlier run was interrupted, what is read now is not what this one will start from.
    """
    if not isinstance(host, LiveHost):
        return Before()
    try:
        read = journal.read(host)
    except RefusedError:
        if dry_run:
            return Before()  # who only looks need not be able to read the journal
        raise
    damaged_records.warn(host, read)
    instance = journal.instance(host)
    interrupted = [record for record in wayback.interrupted(read.records) if not wayback.away(record, instance)]
    for record in interrupted:
        telling.tell(f"apply {record.id} was interrupted: an apply or rollback heals it first")
    if not dry_run:
        confirming.refuse_while_unconfirmed(host, read.records)
    waiting = trial.unconfirmed(read.records)
    late = waiting and waiting.confirm and confirm.over(waiting.confirm, confirm.moment(host))
    return Before(bool(interrupted or late), damaged_records.unusable(host, read))


@contextmanager
def healed(host: LiveHost) -> Iterator[Journal]:
    """Hold the lock, with what was interrupted brought to an end, and give the journal; raises RefusedError."""
    with journal.locked(host, opening.teller()):
        read = journal.read(host)
        damaged_records.refuse_unsafe(host, read)
        done = trial.heal(host, read.records)
        for line in done.notes:
            telling.tell(clean(line))
        if not done.whole:
            raise RefusedError(
                "an earlier run is only partly undone, and this one would build on it: fix what is listed above and "
                "run `hosttune rollback`, or give it up with `hosttune rollback --force`"
            )
        confirming.refuse_while_unconfirmed(host, journal.records(host))
        yield read


def carry_out(
    host: LiveHost,
    read: Journal,
    request: Request,
    plan: Plan,
    made: Invocation,
    where: Where = HOST,
    within: confirming.Within | None = None,
) -> Record:
    """Make the changes of a plan, and return the record that takes them back; raises ApplyError, RefusedError.

    `where` is what was judged: nothing is written where this thread is in another network namespace by now. With
    `within` only those that a reboot forgets are made, and are taken back unless they are confirmed in time.
    """
    instance = journal.instance(host)
    if where.namespaces.net and not instance.namespace.startswith(f"{where.namespaces.net}:"):
        raise RefusedError(where_words.moved(where))
    instance = dataclasses.replace(instance, name=where.name)
    record = Record(
        id=read.next_id(),
        status=Status.APPLYING,
        made=made,
        request=request,
        changes=plan.changes,
        reload=plan.reload,
        restarts=plan.restarts,
        one_way=plan.one_way,
        where=instance,
    )
    if within is None:
        return transaction.apply(host, record, plan.restart)
    parts = confirm.split(host, plan.changes)
    deadline = confirming.begun(host, within.seconds)
    record = dataclasses.replace(record, changes=parts.now, pending=parts.waits, confirm=deadline)
    return trial.apply(host, record, plan.restart, expire.command(record.id))


def invocation(host: LiveHost, command: str, reason: str) -> Invocation:
    """Return this run: when, what, who and why; who, of the machine that it runs on, though it changes an image."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Invocation(now, command or _LIBRARY, session.who(host if host.runs else LiveHost("/")), reason)
