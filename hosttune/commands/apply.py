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
)
from hosttune.errors import RefusedError, UsageError
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Change, Finding, Plan, Report, Verdict
from hosttune.render import _outcome as outcome
from hosttune.render import _plan, _refused, _script
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
    """What one look at the host came to."""

    report: Report
    request: Request
    findings: tuple[Finding, ...]
    plan: Plan
    links: AddressFacts


def run(asked: Asked) -> int:
    """Open the host that the options name and carry it out there; returns the exit code."""
    _check(asked)
    host = _open.open_host(asked.root, asked.snapshot)
    with _open.remembering(host):
        return on(host, asked)


def on(host: Host, asked: Asked) -> int:
    """Carry it out on a host, or show it; returns the exit code."""
    loaded = _load.load(host, asked.aim)
    draft = _draft(asked, host, loaded)
    if asked.script or asked.dry_run:
        # what only this user may not do, another one may who carries it out
        line, others = _refused.not_root(draft.plan.refusals, os.geteuid() == 0, "")
        notes = (*draft.plan.notes, "to carry it out takes root") if line else draft.plan.notes
        draft = dataclasses.replace(draft, plan=dataclasses.replace(draft.plan, refusals=tuple(others), notes=notes))
    if asked.script:
        _refuse(draft.plan)
        top = host.root if isinstance(host, LiveHost) and not host.runs else "/"
        _output.put(_script.render(draft.plan, _load.command(), top))
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


def _draft(asked: Asked, host: Host, loaded: _load.Loaded, links: AddressFacts | None = None) -> Draft:
    """Look at the host and plan; `links` are what an earlier look found of addresses."""
    report = _examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, _load.command())
    report = dataclasses.replace(report, warnings=loaded.notes + report.warnings)
    base = Request(
        runtime=not asked.persist_only and asked.root == "/",
        persist=not asked.runtime_only,
        only=_planning.kinds(asked.only),
        live=asked.live,
        restart=asked.restart,
        addresses=_addressing.addresses(asked.add_address or []),
    )
    made, findings = _planning.request(host, loaded, report, base, asked.leave or [], asked.reserve_listeners)
    links = links or _addressing.facts(host, made)
    plan = _planning.plan(host, Planned(host), made, findings, loaded.profiles, links)
    plan = _confirming.adjusted(host, plan, asked.within())
    return Draft(report, made, findings, plan, links)


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
    after = _examine.examine(planned, loaded.profiles, loaded.workload, loaded.programs, "")
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
        _refuse(draft.plan)
        if not asked.yes and draft.plan != shown.plan:
            raise RefusedError("the host was changed while you were asked, nothing was written; run it again")
        if not _wants(draft.plan):
            return _tell(asked, draft, draft.report, 0, before, changed=False, healed=before.unfinished)
        within = asked.within()
        record = _commit.carry_out(host, found, draft.request, draft.plan, asked.reason, within)
    if within and within.command:
        record = _confirming.settled(host, record, within.command)
    # what waits counts as what a boot brings: that is what is to be confirmed
    seen = Planned(host, record.pending)
    after = _examine.examine(seen, loaded.profiles, loaded.workload, loaded.programs, "")
    results = _results(seen, loaded, draft, after, draft.plan.changes if record.confirm else record.changes)
    broken = any(row["verdict"] == Verdict.FAIL for row in results)
    return _tell(asked, draft, after, 1 if broken else 0, before, changed=True, record=record, results=results)


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
) -> int:
    """Print what became of it and return the exit code; `healed`: an earlier run was brought to its end."""
    if asked.format == "json":
        _print_json(asked, draft, after, results or [], before, changed=changed or healed, record=record)
        return code
    width = _width()
    if not changed:
        print("\n".join(fold(f"  {_outcome.nothing(draft.report, _narrowed(asked))}", width, "    ")))
        _print_notes(draft.plan)
        return code
    confirmed = record is None or record.confirm is None
    print(outcome.outcome(results or [], _capacity(draft, after), bool(after.machine.kernel), width, confirmed), end="")
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
        "not_in_force": [],
        "damaged": list(before.damaged),
    }
    print(json.dumps(document, indent=1))


def _print_notes(plan: Plan) -> None:
    for note in _plan.notes(plan):
        print("\n".join(fold(f"  note: {note}", _width(), "    ")))


def _width() -> int:
    return max(60, shutil.get_terminal_size((80, 24)).columns)
