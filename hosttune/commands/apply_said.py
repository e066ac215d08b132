"""What `hosttune apply` prints: the plan, what became of it, and the same as JSON."""

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
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record
from hosttune.changes.request import AddressFacts, Request
from hosttune.commands.apply_asked import Asked
from hosttune.host import Host
from hosttune.model import Change, Finding, Plan, Report
from hosttune.render import outcome, refused, where_words
from hosttune.render import plan_text as plan_view
from hosttune.render import refused as refused_view
from hosttune.render.figures import fold
from hosttune.workflows import commit, confirming, examine, loading, look_again

SCHEMA = "hosttune/apply/1"
WANTED = 4
REFUSED = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """What one look at the host came to."""

    report: Report
    request: Request
    findings: tuple[Finding, ...]
    plan: Plan
    links: AddressFacts


def show(asked: Asked, host: Host, loaded: loading.Loaded, draft: Draft, before: commit.Before) -> int:
    """Print the plan, and why it may not be carried out; the capacity is that of the host as planned.

    Where an earlier run was interrupted, healing it is a change too.
    """
    width, refusals = _width(), draft.plan.refusals
    why = (refusals, os.geteuid() == 0, loading.command())
    # who only forgot sudo has not asked for a plan
    short = asked.format == "json" or (not asked.dry_run and bool(refused.not_root(*why)[0]))
    planned = Planned(host, draft.plan.changes)
    after = examine.examine(planned, loaded.profiles, loaded.workload, loaded.programs, "", where=draft.report.where)
    if asked.format == "json":
        results = [] if refusals else results_of(planned, loaded, draft, after, draft.plan.changes)
        changed = bool(draft.plan.changes) or before.unfinished
        _print_json(asked, draft, after, results, before, changed=changed, record=None)
    elif not short:
        units = {f.subject.name: f.requirement.unit for f in draft.findings if f.requirement}
        print(plan_view.plan(draft.plan, width, units), end="")
    if refusals:
        sys.stdout.flush()
        said = [f"hosttune: {refused_view.line(*why)}"] if short else refused.lines(*why, width)
        print("\n".join(said), file=sys.stderr)
        return REFUSED
    if asked.format != "json":
        print("\n" + "\n".join(fold(f"  {_capacity(draft, after)}", width, "    ")))
    return WANTED


def results_of(
    host: Host, loaded: loading.Loaded, draft: Draft, after: Report, changes: tuple[Change, ...]
) -> list[outcome.Row]:
    """Return what became of each value that was wanted."""
    found = look_again.findings(host, loaded, draft.request, after.findings)
    return look_again.results(host, changes, draft.request, draft.findings, found)


def _capacity(draft: Draft, after: Report) -> str:
    return outcome.capacity(draft.report, after, () if draft.plan.restart else draft.plan.restarts)


def tell(
    asked: Asked,
    draft: Draft,
    after: Report,
    code: int,
    before: commit.Before,
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
        print("\n".join(fold(f"  {look_again.nothing(draft.report, _narrowed(asked))}", width, "    ")))
        _print_notes(draft.plan)
        return code
    confirmed = record is None or not record.pending
    print(outcome.outcome(results or [], _capacity(draft, after), bool(after.machine.kernel), width, confirmed), end="")
    print(look_again.not_in_force(lost, width), end="")
    # who was asked has read what is left alone
    _print_notes(draft.plan if asked.yes else dataclasses.replace(draft.plan, notes=()))
    if record is not None:
        undo = [f"undo: sudo hosttune rollback {record.id}{_root(asked.root)}"]
        print("\n".join(f"  {line}" for line in (confirming.lines(record) if record.confirm else undo)))
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
    before: commit.Before,
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
        "diff": "".join(f"{line}\n" for change in draft.plan.changes for line in plan_view.diff(change)),
        "changes": [
            {**change, "diff": "\n".join(plan_view.diff(one))}
            for change, one in zip(map(dataclasses.asdict, draft.plan.changes), draft.plan.changes, strict=True)
        ],
        "refused": list(draft.plan.refusals),
        "notes": plan_view.notes(draft.plan),
        "restarts": list(draft.plan.restarts),
        "restarted": bool(record and draft.plan.restart and draft.plan.restarts),
        "results": results,
        "capacity": _capacity(draft, after),
        "confirm": confirming.document(record),
        "not_in_force": list(map(dataclasses.asdict, lost)),
        "damaged": list(before.damaged),
    }
    print(json.dumps(document, indent=1))


def _print_notes(plan: Plan) -> None:
    for note in plan_view.notes(plan):
        print("\n".join(where_words.shown(note, _width(), "  note: ", "    ")))


def _width() -> int:
    return max(60, shutil.get_terminal_size((80, 24)).columns)
