"""Check, plan, show, ask; then write under the lock, and check again."""

from __future__ import annotations

import dataclasses
import os

from hosttune.changes import in_force
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record
from hosttune.changes.request import AddressFacts, Request
from hosttune.commands.apply_asked import Asked as Asked
from hosttune.commands.apply_asked import check
from hosttune.commands.apply_said import Draft, results_of, show, tell
from hosttune.errors import RefusedError
from hosttune.facts import machine as machines
from hosttune.facts import where as place
from hosttune.facts.where import HERE, Came
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Plan, Report, Verdict
from hosttune.printable import clean
from hosttune.render import outcome, refused, script, where_words
from hosttune.terminal import asking, streams
from hosttune.workflows import (
    addressing,
    apply_plan,
    commit,
    confirming,
    examine,
    loading,
    opening,
    trust,
    write_scope,
)


def run(asked: Asked) -> int:
    """Open the host that the options name and carry it out there; returns the exit code."""
    check(asked)
    with loading.view(asked.options, asked.netns, asked.snapshot, asked.root) as seen:
        host = opening.open_host(asked.root, asked.snapshot)
        with opening.remembering(host):
            return on(host, asked, seen.came)


def on(host: Host, asked: Asked, came: Came = HERE) -> int:
    """Carry it out on a host, or show it; returns the exit code. `came`: how this run came to where it looks from."""
    with trust.writing():
        return _on(host, asked, came)


def _on(host: Host, asked: Asked, came: Came) -> int:
    loaded = dataclasses.replace(loading.load(host, asked.options, came.process), came=came)
    draft = _draft(asked, host, loaded)
    if asked.script or asked.dry_run:
        # what only this user may not do, another one may who carries it out
        line, others = refused.not_root(draft.plan.refusals, os.geteuid() == 0, "")
        notes = (*draft.plan.notes, "to carry it out takes root") if line else draft.plan.notes
        draft = dataclasses.replace(draft, plan=dataclasses.replace(draft.plan, refusals=tuple(others), notes=notes))
    if asked.script:
        _refuse(draft.plan)
        top = host.root if isinstance(host, LiveHost) and not host.runs else "/"
        streams.put(script.render(draft.plan, loading.command(), top, draft.report.where))
        return 0
    before = commit.before(host, asked.dry_run)
    if not draft.plan.refusals and not _wants(draft.plan) and not before.unfinished:
        return tell(asked, draft, draft.report, 0, before, changed=False)
    if asked.dry_run or draft.plan.refusals:
        return show(asked, host, loaded, draft, before)
    assert isinstance(host, LiveHost)
    if not asked.yes:
        _ask(asked, host, loaded, draft, before)
    return _apply(asked, host, loaded, draft, before)


def _draft(asked: Asked, host: Host, loaded: loading.Loaded, links: AddressFacts | None = None) -> Draft:
    """Look at the host and plan; `links` are what an earlier look found of addresses."""
    where = place.gather(host, machines.gather(host), loaded.came)
    report = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, loading.command(), where=where)
    report = dataclasses.replace(report, warnings=loaded.notes + report.warnings)
    base = Request(
        runtime=not asked.persist_only and asked.root == "/",
        persist=not asked.runtime_only,
        only=apply_plan.kinds(asked.only),
        live=asked.live,
        restart=asked.restart,
        addresses=addressing.addresses(asked.add_address or []),
        allow=apply_plan.allowed(asked.allow_key or []),
    )
    made, findings = apply_plan.request(host, loaded, report, base, asked.leave or [], asked.reserve_listeners)
    options = loading.role_words(asked.options)
    scope = write_scope.narrow(report, findings, made, options, bool(asked.netns))
    links = links or addressing.facts(host, scope.request)
    plan = apply_plan.plan(host, Planned(host), scope.request, scope.findings, loaded.profiles, links, asked.dry_run)
    plan = confirming.adjusted(host, plan, asked.within())
    plan = dataclasses.replace(
        # a text of several lines is one of ours
        plan,
        notes=(*map(clean, plan.notes), *scope.notes),
        refusals=(*scope.refusals, *map(clean, plan.refusals)),
    )
    plan = write_scope.closed(plan, report, findings, options)
    return Draft(report, scope.request, scope.findings, plan, links)


def _wants(plan: Plan) -> bool:
    return bool(plan.changes or (plan.restart and plan.restarts))


def _refuse(plan: Plan) -> None:
    """Raise RefusedError with all reasons in one line."""
    if plan.refusals:
        raise RefusedError(refused.line(plan.refusals, os.geteuid() == 0, loading.command()))


def _ask(asked: Asked, host: Host, loaded: loading.Loaded, draft: Draft, before: commit.Before) -> None:
    """Show the plan and ask; raises RefusedError for anything but a yes."""
    show(asked, host, loaded, draft, before)
    count = len(draft.plan.changes)
    units = ", ".join(draft.plan.restarts)
    asking.agree(f"Make {count:,} change{'s' * (count != 1)}?" if count else f"Restart {units}?")


def _apply(asked: Asked, host: LiveHost, loaded: loading.Loaded, shown: Draft, before: commit.Before) -> int:
    """Write under the lock; what was shown must still be what is planned."""
    with commit.healed(host) as found:
        # who was not asked has not let time pass: the link need not be asked again
        draft = _draft(asked, host, loaded, shown.links if asked.yes else None)
        if draft.report.where.identity != shown.report.where.identity:
            raise RefusedError(where_words.moved(shown.report.where))
        _refuse(draft.plan)
        if not asked.yes and draft.plan != shown.plan:
            raise RefusedError("the host was changed while you were asked, nothing was written; run it again")
        if not _wants(draft.plan):
            return tell(asked, draft, draft.report, 0, before, changed=False, healed=before.unfinished)
        within = asked.within()
        where = draft.report.where
        record = commit.carry_out(host, found, draft.request, draft.plan, asked.reason, where, within)
        # under the lock still: what another hosttune writes next is not what this one has lost
        ended = _ended(host, loaded, draft, record)
    if within and within.command:
        record = confirming.settled(host, record, within.command)
        ended = _ended(host, loaded, draft, record)
    after, results, lost = ended
    code = 1 if lost or any(row["verdict"] == Verdict.FAIL for row in results) else 0
    return tell(asked, draft, after, code, before, changed=True, record=record, results=results, lost=lost)


def _ended(
    host: LiveHost, loaded: loading.Loaded, draft: Draft, record: Record
) -> tuple[Report, list[outcome.Row], tuple[in_force.Lost, ...]]:
    """Look at the host again: the report, what became of each value, and what was written and is not in force."""
    # what waits counts as what a boot brings: that is what is to be confirmed
    seen: Host = Planned(host, record.pending) if record.pending else host
    after = examine.examine(seen, loaded.profiles, loaded.workload, loaded.programs, "", where=draft.report.where)
    results = results_of(seen, loaded, draft, after, draft.plan.changes if record.confirm else record.changes)
    # asked last: whatever else is said, what was written holds at the end, or this is no success
    return after, results, in_force.lost(host, record.changes)
