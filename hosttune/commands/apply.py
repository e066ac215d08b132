"""Check, plan, show, ask; then write under the lock, and check again."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from dataclasses import dataclass
from typing import Any

from hosttune import printable
from hosttune.changes import in_force
from hosttune.changes.decode import plain
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record
from hosttune.changes.request import AddressFacts, Request
from hosttune.commands import (
    _addressing,
    _asking,
    _commit,
    _confirming,
    _examine,
    _load,
    _open,
    _outcome,
    _output,
    _planning,
    _scope,
    _trust,
)
from hosttune.errors import RefusedError, UsageError
from hosttune.facts import machine as machines
from hosttune.facts import where as place
from hosttune.facts.where import HERE, Came
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Change, Finding, Plan, Report, Verdict
from hosttune.printable import clean
from hosttune.render import _outcome as outcome
from hosttune.render import _plan, _refused, _script, _where
from hosttune.render._figures import fold

SCHEMA = "hosttune/apply/1"
WANTED = 4
REFUSED = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune apply`, as given; `aim` are those that `check` has too."""

    aim: _load.Aim
    dry_run: bool
    script: bool
    yes: bool
    only: str
    leave: list[str] | None
    runtime_only: bool
    persist_only: bool
    live: bool
    restart: bool
    reserve_listeners: bool
    add_address: list[str] | None
    root: str
    snapshot: str
    format: str
    allow_key: list[str] | None = None
    netns: str = ""
    reason: str = ""
    confirm_within: str = ""
    confirm_if: str = ""

    def within(self) -> _confirming.Within | None:
        """Return how long it waits to be confirmed, None where it does not; raises UsageError."""
        barred = {
            "--root": self.root != "/",
            "--snapshot": bool(self.snapshot),
            "--persist-only": self.persist_only,
            "--script": self.script,
        }
        return _confirming.within(self.confirm_within, self.confirm_if, barred)


@dataclass(frozen=True, slots=True)
class Draft:
    """What one look at the host came to; `lacks` is what of it somebody else has to set."""

    report: Report
    request: Request
    findings: tuple[Finding, ...]
    plan: Plan
    links: AddressFacts


def run(asked: Asked) -> int:
    """Open the host that the options name and carry it out there; returns the exit code."""
    _check(asked)
    with _load.view(asked.aim, asked.netns, asked.snapshot, asked.root) as seen:
        host = _open.open_host(asked.root, asked.snapshot)
        with _open.remembering(host):
            return on(host, asked, seen.came)


def on(host: Host, asked: Asked, came: Came = HERE) -> int:
    """Carry it out on a host, or show it; returns the exit code. `came`: how this run came to where it looks from."""
    with _trust.writing():
        return _on(host, asked, came)


def _on(host: Host, asked: Asked, came: Came) -> int:
    loaded = dataclasses.replace(_load.load(host, asked.aim, came.process), came=came)
    draft = _draft(asked, host, loaded)
    if asked.script or asked.dry_run:
        # what only this user may not do, another one may who carries it out
        line, others = _refused.not_root(draft.plan.refusals, os.geteuid() == 0, "")
        notes = (*draft.plan.notes, "to carry it out takes root") if line else draft.plan.notes
        draft = dataclasses.replace(draft, plan=dataclasses.replace(draft.plan, refusals=tuple(others), notes=notes))
    if asked.script:
        _refuse(draft.plan)
        top = host.root if isinstance(host, LiveHost) and not host.runs else "/"
        _output.put(_script.render(draft.plan, _load.command(), top, draft.report.where))
        return 0
    before = _commit.before(host, asked.dry_run)
    if not draft.plan.refusals and not _wants(draft.plan) and not before.unfinished:
        return _tell(asked, draft, draft.report, 0, before, changed=False)
    if asked.dry_run or draft.plan.refusals:
        return _show(asked, host, loaded, draft, before)
    assert isinstance(host, LiveHost)
    if not asked.yes:
        _ask(asked, host, loaded, draft, before)
    return _apply(asked, host, loaded, draft, before)


def _check(asked: Asked) -> None:
    _open.check_format(asked.format)
    if asked.runtime_only and asked.persist_only:
        raise UsageError("--runtime-only and --persist-only: together they leave nothing to write; name one")
    if asked.root != "/" and (asked.runtime_only or asked.live or asked.restart):
        raise UsageError("--root: nothing runs in an image; leave out --runtime-only, --live and --restart")
    if asked.netns:
        _check_netns(asked)
    if asked.snapshot and not (asked.dry_run or asked.script):
        raise UsageError("--snapshot: a recording cannot be changed; add --dry-run or --script")
    if asked.snapshot and asked.add_address and not asked.persist_only:
        raise UsageError("--add-address: a recording does not name the interfaces; add --persist-only to see the file")
    if asked.script and (asked.yes or asked.dry_run or asked.format != "table"):
        raise UsageError(
            "--script: it prints a shell script and writes nothing; leave out --yes, --dry-run and --format"
        )
    _asking.check(asked.format, told=asked.yes or asked.dry_run or asked.script)
    asked.within()
    _planning.kinds(asked.only)
    _addressing.addresses(asked.add_address or [])
    _planning.allowed(asked.allow_key or [])


def _check_netns(asked: Asked) -> None:
    """Raise UsageError for what cannot go with a network namespace by name."""
    if asked.persist_only:
        raise UsageError(
            f"--netns and --persist-only: no file reaches the network namespace {asked.netns}; leave out --persist-only"
        )
    if asked.root != "/" or asked.snapshot:
        raise UsageError("--netns: an image and a recording have no namespaces; leave out --root and --snapshot")
    named = [name for name in ("pid", "process_name", "service") if getattr(asked.aim, name) not in (None, "")]
    if named:
        raise UsageError(f"--netns and --{named[0].replace('_', '-')}: two network namespaces; name one of the two")


def _draft(asked: Asked, host: Host, loaded: _load.Loaded, links: AddressFacts | None = None) -> Draft:
    """Look at the host and plan; `links` are what an earlier look found of addresses."""
    where = place.gather(host, machines.gather(host), loaded.came)
    report = _examine.examine(
        host, loaded.profiles, loaded.workload, loaded.programs, _load.command(), where=where
    )
    report = dataclasses.replace(report, warnings=loaded.notes + report.warnings)
    base = Request(
        runtime=not asked.persist_only and asked.root == "/",
        persist=not asked.runtime_only,
        only=_planning.kinds(asked.only),
        live=asked.live,
        restart=asked.restart,
        addresses=_addressing.addresses(asked.add_address or []),
        allow=_planning.allowed(asked.allow_key or []),
    )
    made, findings = _planning.request(host, loaded, report, base, asked.leave or [], asked.reserve_listeners)
    options = _load.role_words(asked.aim)
    scope = _scope.narrow(report, findings, made, options, bool(asked.netns))
    links = links or _addressing.facts(host, scope.request)
    plan = _planning.plan(
        host, Planned(host), scope.request, scope.findings, loaded.profiles, links, asked.dry_run
    )
    plan = _confirming.adjusted(host, plan, asked.within())
    plan = dataclasses.replace(
        # a text of several lines is one of ours
        plan,
        notes=(*map(clean, plan.notes), *scope.notes),
        refusals=(*scope.refusals, *map(clean, plan.refusals)),
    )
    plan = _scope.closed(plan, report, findings, options)
    return Draft(report, scope.request, scope.findings, plan, links)


def _wants(plan: Plan) -> bool:
    return bool(plan.changes or (plan.restart and plan.restarts))


def _refuse(plan: Plan) -> None:
    """Raise RefusedError with all reasons in one line."""
    if plan.refusals:
        raise RefusedError(_refused.line(plan.refusals, os.geteuid() == 0, _load.command()))


def _show(asked: Asked, host: Host, loaded: _load.Loaded, draft: Draft, before: _commit.Before) -> int:
    """Print the plan, and why it may not be carried out; the capacity is that of the host as planned.

    Where an earlier run was interrupted, healing it is a change too.
    """
    width, refusals = _width(), draft.plan.refusals
    why = (refusals, os.geteuid() == 0, _load.command())
    # who only forgot sudo has not asked for a plan
    short = asked.format == "json" or (not asked.dry_run and bool(_refused.not_root(*why)[0]))
    planned = Planned(host, draft.plan.changes)
    after = _examine.examine(
        planned, loaded.profiles, loaded.workload, loaded.programs, "", where=draft.report.where
    )
    if asked.format == "json":
        results = [] if refusals else _results(planned, loaded, draft, after, draft.plan.changes)
        changed = bool(draft.plan.changes) or before.unfinished
        _print_json(asked, draft, after, results, before, changed=changed, record=None)
    elif not short:
        units = {f.subject.name: f.requirement.unit for f in draft.findings if f.requirement}
        print(_plan.plan(draft.plan, width, units), end="")
    if refusals:
        sys.stdout.flush()
        said = [f"hosttune: {_refused.line(*why)}"] if short else _refused.lines(*why, width)
        print("\n".join(said), file=sys.stderr)
        return REFUSED
    if asked.format != "json":
        print("\n" + "\n".join(fold(f"  {_capacity(draft, after)}", width, "    ")))
    return WANTED


def _ask(asked: Asked, host: Host, loaded: _load.Loaded, draft: Draft, before: _commit.Before) -> None:
    """Show the plan and ask; raises RefusedError for anything but a yes."""
    _show(asked, host, loaded, draft, before)
    count = len(draft.plan.changes)
    units = ", ".join(draft.plan.restarts)
    _asking.agree(f"Make {count:,} change{'s' * (count != 1)}?" if count else f"Restart {units}?")


def _apply(asked: Asked, host: LiveHost, loaded: _load.Loaded, shown: Draft, before: _commit.Before) -> int:
    """Write under the lock; what was shown must still be what is planned."""
    with _commit.healed(host) as found:
        # who was not asked has not let time pass: the link need not be asked again
        draft = _draft(asked, host, loaded, shown.links if asked.yes else None)
        if draft.report.where.identity != shown.report.where.identity:
            raise RefusedError(_where.moved(shown.report.where))
        _refuse(draft.plan)
        if not asked.yes and draft.plan != shown.plan:
            raise RefusedError("the host was changed while you were asked, nothing was written; run it again")
        if not _wants(draft.plan):
            return _tell(asked, draft, draft.report, 0, before, changed=False, healed=before.unfinished)
        within = asked.within()
        where = draft.report.where
        record = _commit.carry_out(host, found, draft.request, draft.plan, asked.reason, where, within)
        # under the lock still: what another hosttune writes next is not what this one has lost
        ended = _ended(host, loaded, draft, record)
    if within and within.command:
        record = _confirming.settled(host, record, within.command)
        ended = _ended(host, loaded, draft, record)
    after, results, lost = ended
    code = 1 if lost or any(row["verdict"] == Verdict.FAIL for row in results) else 0
    return _tell(asked, draft, after, code, before, changed=True, record=record, results=results, lost=lost)


def _ended(
    host: LiveHost, loaded: _load.Loaded, draft: Draft, record: Record
) -> tuple[Report, list[outcome.Row], tuple[in_force.Lost, ...]]:
    """Look at the host again: the report, what became of each value, and what was written and is not in force."""
    # what waits counts as what a boot brings: that is what is to be confirmed
    seen: Host = Planned(host, record.pending) if record.pending else host
    after = _examine.examine(
        seen, loaded.profiles, loaded.workload, loaded.programs, "", where=draft.report.where
    )
    results = _results(seen, loaded, draft, after, draft.plan.changes if record.confirm else record.changes)
    # asked last: whatever else is said, what was written holds at the end, or this is no success
    return after, results, in_force.lost(host, record.changes)


def _results(
    host: Host, loaded: _load.Loaded, draft: Draft, after: Report, changes: tuple[Change, ...]
) -> list[outcome.Row]:
    found = _outcome.findings(host, loaded, draft.request, after.findings)
    return _outcome.results(host, changes, draft.request, draft.findings, found)


def _capacity(draft: Draft, after: Report) -> str:
    return outcome.capacity(draft.report, after, () if draft.plan.restart else draft.plan.restarts)


def _tell(
    asked: Asked,
    draft: Draft,
    after: Report,
    code: int,
    before: _commit.Before,
    *,
    changed: bool,
    healed: bool = False,
    record: Record | None = None,
    results: list[outcome.Row] | None = None,
    lost: tuple[in_force.Lost, ...] = (),
) -> int:
    """Print what became of it and return the exit code; `healed`: an earlier run was brought to its end."""
    if asked.format == "json":
        _print_json(asked, draft, after, results or [], before, lost, changed=changed or healed, record=record)
        return code
    width = _width()
    if not changed:
        print("\n".join(fold(f"  {_outcome.nothing(draft.report, _narrowed(asked))}", width, "    ")))
        _print_notes(draft.plan)
        return code
    confirmed = record is None or not record.pending
    print(outcome.outcome(results or [], _capacity(draft, after), bool(after.machine.kernel), width, confirmed), end="")
    print(_outcome.not_in_force(lost, width), end="")
    # who was asked has read what is left alone
    _print_notes(draft.plan if asked.yes else dataclasses.replace(draft.plan, notes=()))
    if record is not None:
        undo = [f"undo: sudo hosttune rollback {record.id}{_root(asked.root)}"]
        print("\n".join(f"  {line}" for line in (_confirming.lines(record) if record.confirm else undo)))
    return code


def _narrowed(asked: Asked) -> list[str]:
    """Return the options by which less is written than the role asks for."""
    given: dict[str, object] = {"--only": asked.only, "--except": asked.leave}
    layers: dict[str, object] = {"--runtime-only": asked.runtime_only, "--persist-only": asked.persist_only}
    return [name for name, value in (given | layers).items() if value]


def _root(root: str) -> str:
    return "" if root == "/" else f" --root {printable.word(root)}"


def _print_json(
    asked: Asked,
    draft: Draft,
    after: Report,
    results: list[outcome.Row],
    before: _commit.Before,
    lost: tuple[in_force.Lost, ...] = (),
    *,
    changed: bool,
    record: Record | None,
) -> None:
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "id": record.id if record else None,
        "dry_run": asked.dry_run,
        "changed": changed and not draft.plan.refusals,
        "diff": "".join(f"{line}\n" for change in draft.plan.changes for line in _plan.diff(change)),
        "changes": [
            {**change, "diff": "\n".join(_plan.diff(one))}
            for change, one in zip(plain(draft.plan.changes), draft.plan.changes, strict=True)
        ],
        "refused": list(draft.plan.refusals),
        "notes": _plan.notes(draft.plan),
        "restarts": list(draft.plan.restarts),
        "restarted": bool(record and draft.plan.restart and draft.plan.restarts),
        "results": results,
        "capacity": _capacity(draft, after),
        "confirm": _confirming.document(record),
        "not_in_force": plain(lost),
        "damaged": list(before.damaged),
    }
    print(json.dumps(document, indent=1))


def _print_notes(plan: Plan) -> None:
    for note in _plan.notes(plan):
        print("\n".join(_where.shown(note, _width(), "  note: ", "    ")))


def _width() -> int:
    return max(60, shutil.get_terminal_size((80, 24)).columns)
