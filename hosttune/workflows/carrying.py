"""The one way in which a verb changes a host: look, show and agree, write under the lock, look again."""

from __future__ import annotations

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hosttune.changes import in_force
from hosttune.changes.record import Record
from hosttune.changes.request import AddressFacts, Request
from hosttune.errors import RefusedError
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Plan, Where
from hosttune.model.acting import Applied
from hosttune.model.progress import Step
from hosttune.render import plan_text, refused, where_words
from hosttune.workflows import commit, confirming, telling

Agree = Callable[[Applied], bool]
"""Is shown what would be done, and returns whether it shall be; may raise RefusedError itself."""

_NO = "nothing was changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What one look at a host came to; `links` is what it saw of addresses."""

    where: Where
    request: Request
    plan: Plan
    links: AddressFacts

    @property
    def wanted(self) -> bool:
        return bool(self.plan.changes or (self.plan.restart and self.plan.restarts))


D = TypeVar("D", bound=Draft)


class Task(ABC, Generic[D]):
    """What a verb wants of a host: its drafts, and what it says of each.

    `command` is how it was asked for, `within` the time that it waits to be confirmed.
    """

    host: Host
    command: str
    reason: str
    within: confirming.Within | None
    dry_run: bool

    @abstractmethod
    def draft(self, links: AddressFacts | None) -> D:
        """Look at the host and plan; `links` are what an earlier look saw of addresses."""

    @abstractmethod
    def idle(self, draft: D) -> Applied:
        """Return why there is nothing to do."""

    @abstractmethod
    def planned(self, draft: D) -> Applied:
        """Return what the draft comes to, on the host as it would be."""

    @abstractmethod
    def done(self, draft: D, record: Record) -> Applied:
        """Look at the host again, and return what became of each value."""


def carry_out(task: Task[D], agree: Agree | None = None) -> Applied:
    """Make the changes that a task wants, and return what became of them, or why none was made.

    `agree` is asked before the first write where it is given. Raises RefusedError for anything but a yes, and where the
    host has changed meanwhile; ApplyError where a write failed.
    """
    host, draft = task.host, task.draft(None)
    if task.dry_run:
        draft = dataclasses.replace(draft, plan=for_another(draft.plan))
    before = commit.before(host, task.dry_run)
    idle = not draft.wanted and not draft.plan.refusals

    def completed(applied: Applied, changed: bool) -> Applied:
        return dataclasses.replace(applied, dry_run=task.dry_run, damaged=before.damaged, changed=changed)

    if idle and not before.unfinished:
        return completed(task.idle(draft), changed=False)
    if task.dry_run or draft.plan.refusals:
        return completed(task.planned(draft), changed=not draft.plan.refusals)
    if agree is not None and not agree(completed(task.planned(draft), changed=True)):
        raise RefusedError(_NO)
    assert isinstance(host, LiveHost)
    with commit.healed(host) as journal:
        # who was not asked has not let time pass: the link need not be asked again
        again = task.draft(draft.links if agree is None else None)
        if again.where.identity != draft.where.identity:
            raise RefusedError(where_words.moved(draft.where))
        refuse(again.plan, task.command)
        if agree is not None and again.plan != draft.plan:
            raise RefusedError("the host was changed before you answered, nothing was written; run it again")
        if not again.wanted:
            return completed(task.idle(again), changed=before.unfinished)
        made = commit.invocation(host, task.command, task.reason)
        plan = again.plan
        what = f"restarting {', '.join(plan.restarts)}" if plan.restart and plan.restarts else "writing"
        with telling.during(Step(what)):
            record = commit.carry_out(host, journal, again.request, plan, made, again.where, task.within)
        # under the lock still: what another hosttune writes next is not what this one has lost
        applied = _done(task, host, again, record)
    if task.within and task.within.command:
        record = confirming.settled(host, record, task.within.command)
        applied = _done(task, host, again, record)
    return completed(applied, changed=True)


def _done(task: Task[D], host: LiveHost, draft: D, record: Record) -> Applied:
    applied = task.done(draft, record)
    # asked last: whatever else is reported, what was written holds at the end, or this is no success
    lost = in_force.lost(host, record.changes)
    return dataclasses.replace(applied, id=record.id, confirm=confirming.waits(record), not_in_force=lost)


def refuse(plan: Plan, command: str) -> None:
    """Raise RefusedError with all reasons in one line."""
    if plan.refusals:
        raise RefusedError(refused.line(plan.refusals, os.geteuid() == 0, command))


def for_another(plan: Plan) -> Plan:
    """Return a plan that is only shown: what this user may not do, another one may who carries it out."""
    line, others = refused.not_root(plan.refusals, os.geteuid() == 0, "")
    notes = (*plan.notes, "only root can apply it") if line else plan.notes
    return dataclasses.replace(plan, refusals=tuple(others), notes=notes)


def changes_of(plan: Plan) -> dict[str, Any]:
    """Return the fields of an answer that say what a plan changes."""
    return dict(
        diff=plan_text.text(plan.changes),
        changes=plan.changes,
        refused=plan.refusals,
        notes=tuple(plan_text.notes(plan)),
        reload=plan.reload,
        restarts=plan.restarts,
        restarted=plan.restart and bool(plan.restarts),
    )
