"""Give this host source addresses, or take them away: plan, show, ask, write in one transaction, look again."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hosttune import printable
from hosttune.changes import in_force, journal
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record, Status
from hosttune.changes.request import AddressFacts, Request
from hosttune.errors import HostError, RefusedError, UsageError
from hosttune.facts import links
from hosttune.facts import machine as machines
from hosttune.facts import where as place
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Plan
from hosttune.render import plan_text as plan_view
from hosttune.render import refused, sources
from hosttune.render import refused as refused_view
from hosttune.render.figures import fold
from hosttune.terminal import asking
from hosttune.workflows import (
    addressing,
    apply_plan,
    commit,
    confirming,
    loading,
    look_again,
    opening,
    trust,
    write_scope,
)

SCHEMA = "hosttune/sources/1"
_Lost = tuple[in_force.Lost, ...]
WANTED, REFUSED = 4, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune sources add` and `hosttune sources remove`, as given; `force` is of the latter."""

    remove: bool
    targets: Sequence[str]
    anyip: Sequence[str]
    dry_run: bool
    yes: bool
    force: bool
    runtime_only: bool
    persist_only: bool
    root: str
    format: str
    reason: str = ""
    confirm_within: str = ""
    confirm_if: str = ""

    def within(self) -> confirming.Within | None:
        """Return how long it waits to be confirmed, None where it does not; raises UsageError."""
        barred = {"--root": self.root != "/", "--persist-only": self.persist_only}
        return confirming.within(self.confirm_within, self.confirm_if, barred)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at the host came to."""

    request: Request
    plan: Plan
    links: AddressFacts


def run(asked: Asked) -> int:
    """Open the host that the options name and carry it out there; returns the exit code."""
    opening.check_format(asked.format)
    if not asked.targets and not asked.anyip:
        raise UsageError(
            f"sources {_verb(asked)}: name addresses, or --anyip PREFIX; `hosttune sources plan` finds some"
        )
    if asked.runtime_only and asked.persist_only:
        raise UsageError("--runtime-only and --persist-only: together they leave nothing to write; name one")
    if asked.root != "/" and asked.runtime_only:
        raise UsageError("--root: nothing runs in an image; leave out --runtime-only")
    asked.within()
    asking.check(asked.format, told=asked.yes or asked.dry_run)
    host = LiveHost(asked.root)
    with host.remembering():
        return on(host, asked)


def on(host: LiveHost, asked: Asked) -> int:
    """Carry it out on a host, or show it; returns the exit code."""
    with trust.writing():
        return _on(host, asked)


def _on(host: LiveHost, asked: Asked) -> int:
    where = place.gather(host, machines.gather(host))
    request, notes = write_scope.lasting(where, _request(host, asked))
    look = _look(host, asked, request, notes)
    before = commit.before(host, asked.dry_run)
    if not look.plan.refusals and not look.plan.changes and not before.unfinished:
        return _tell(host, asked, look, 0, None, before)
    if asked.dry_run or look.plan.refusals:
        return _show(asked, look, before)
    if not asked.yes:
        _show(asked, look, before)
        count = len(look.plan.changes)
        asking.agree(f"Make {count:,} change{'s' * (count != 1)}?")
    with commit.healed(host) as found:
        # who was not asked has not let time pass: the link need not be asked again
        again = _look(host, asked, request, notes, look.links if asked.yes else None)
        if again.plan.refusals:
            raise RefusedError(refused.line(again.plan.refusals, os.geteuid() == 0, loading.command()))
        if not asked.yes and again.plan != look.plan:
            raise RefusedError("the host was changed while you were asked, nothing was written; run it again")
        if not again.plan.changes:
            return _tell(host, asked, again, 0, None, before)
        within = asked.within()
        record = commit.carry_out(host, found, request, again.plan, asked.reason, where, within)
        lost = in_force.lost(host, record.changes)
    if within and within.command:
        record = confirming.settled(host, record, within.command)
        lost = in_force.lost(host, record.changes)
    return _tell(host, asked, again, 1 if lost else 0, record, before, lost)


def _verb(asked: Asked) -> str:
    return "remove" if asked.remove else "add"


def _request(host: Host, asked: Asked) -> Request:
    """Return what is asked for; raises UsageError."""
    prefixes = addressing.prefixes(asked.anyip)
    base = Request(
        runtime=not asked.persist_only and asked.root == "/",
        persist=not asked.runtime_only,
        only=("addresses",),
    )
    try:
        if asked.remove:
            gone = tuple(addressing.present(host, asked.targets))
            return dataclasses.replace(base, remove=gone, remove_anyip=prefixes)
        come = addressing.addresses(addressing.completed(host, asked.targets))
        return dataclasses.replace(base, addresses=come, anyip=prefixes)
    except UsageError as error:
        raise UsageError(str(error).replace("--add-address ", "")) from error


def _look(
    host: LiveHost, asked: Asked, request: Request, notes: tuple[str, ...], known: AddressFacts | None = None
) -> _Look:
    known = known or addressing.facts(host, request, force=asked.force, ours=_ours(host) if asked.remove else ())
    plan = apply_plan.plan(host, Planned(host), request, (), opening.open_profiles([], []), known, asked.dry_run)
    refusals = tuple(r.replace("--add-address: ", "") for r in plan.refusals)
    plan = dataclasses.replace(plan, refusals=refusals, notes=(*plan.notes, *(notes if plan.changes else ())))
    plan = confirming.adjusted(host, plan, asked.within())
    if asked.dry_run:
        # what only this user may not do, another one may who carries it out
        line, others = refused.not_root(plan.refusals, os.geteuid() == 0, "")
        notes = (*plan.notes, "to carry it out takes root") if line else plan.notes
        plan = dataclasses.replace(plan, refusals=tuple(others), notes=notes)
    return _Look(request, plan, known)


def _ours(host: LiveHost) -> set[str]:
    """Return the addresses that an apply in force has added; none where the journal is not to be read."""
    try:
        standing = [r for r in journal.records(host) if r.status in (Status.APPLIED, Status.PARTLY)]
    except RefusedError:
        return set()
    return {c.target for r in standing for c in r.changes if c.backend == "address" and c.after is not None}


def _show(asked: Asked, look: _Look, before: commit.Before) -> int:
    """Print the plan, and why it may not be carried out."""
    width, why = _width(), (look.plan.refusals, os.geteuid() == 0, loading.command())
    short = asked.format == "json" or (not asked.dry_run and bool(refused.not_root(*why)[0]))
    if asked.format == "json":
        _print_json(asked, look, None, before)
    elif not short:
        print(sources.changes(look.plan, width), end="")
    if look.plan.refusals:
        sys.stdout.flush()
        said = [f"hosttune: {refused_view.line(*why)}"] if short else refused.lines(*why, width)
        print("\n".join(said), file=sys.stderr)
        return REFUSED
    return WANTED


def _tell(
    host: Host,
    asked: Asked,
    look: _Look,
    code: int,
    record: Record | None,
    before: commit.Before,
    lost: tuple[in_force.Lost, ...] = (),
) -> int:
    """Print what became of it and return the exit code."""
    if asked.format == "json":
        _print_json(asked, look, record, before, lost)
        return code
    width = _width()
    if record is None:
        nothing = "no such address is here" if asked.remove else "they are here already"
        layers = "" if look.request.persist else " (--runtime-only)"
        print("\n".join(fold(f"  Nothing to do: {nothing}{layers}.", width, "    ")))
        _notes(look.plan, width)
        return code
    print(sources.done(look.plan, look.request.persist, width), end="")
    print(look_again.not_in_force(lost, width), end="")
    # who was asked has read the notes
    if asked.yes:
        _notes(look.plan, width)
    for said, command in _returning(host, look.request.anyip):
        print("\n".join([*fold(f"  {said}", width, "    "), f"    {command}"]))
    where = "" if asked.root == "/" else f" --root {printable.word(asked.root)}"
    undo = [f"undo: sudo hosttune rollback {record.id}{where}"]
    print("\n".join(f"  {line}" for line in (confirming.lines(record) if record.confirm else undo)))
    return code


def _notes(plan: Plan, width: int) -> None:
    for note in plan_view.notes(plan):
        print("\n".join(fold(f"  note: {note}", width, "    ")))


def _returning(host: Host, prefixes: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the peers of each prefix have to be told, with the address that they reach this host by."""
    if not prefixes:
        return []
    try:
        found = links.gather(host)
    except HostError:
        return [sources.return_route(prefix, "THIS-HOST") for prefix in prefixes]
    return [sources.return_route(prefix, _first(found, ":" in prefix)) for prefix in prefixes]


def _first(found: links.Links, six: bool) -> str:
    """Return the address that others reach this host by: the first of where its default route leads, or of its one
    interface; a word in its place where that cannot be told.
    """
    others = [link for link in found.links.values() if not link.loopback and link.addresses]
    names = [default.interface for default in found.defaults] or [link.name for link in others][: len(others) == 1]
    for name in names:
        for one in found.links[name].addresses:
            if (":" in one) == six and not one.startswith("fe80"):
                return one.partition("/")[0]
    return "THIS-HOST"


def _print_json(asked: Asked, look: _Look, record: Record | None, before: commit.Before, lost: _Lost = ()) -> None:
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "verb": _verb(asked),
        "id": record.id if record else None,
        "dry_run": asked.dry_run,
        "changed": bool(look.plan.changes) and not look.plan.refusals and (record is not None or asked.dry_run),
        "diff": "".join(f"{line}\n" for change in look.plan.changes for line in plan_view.diff(change)),
        "changes": list(map(dataclasses.asdict, look.plan.changes)),
        "refused": list(look.plan.refusals),
        "notes": plan_view.notes(look.plan),
        "confirm": confirming.document(record),
        "answers": [{"address": one, "mac": mac} for one, mac in sorted(look.links.answers.items())],
        "not_in_force": list(map(dataclasses.asdict, lost)),
        "damaged": list(before.damaged),
    }
    print(json.dumps(document, indent=1))


def _width() -> int:
    return max(60, shutil.get_terminal_size((80, 24)).columns)
