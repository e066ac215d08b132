"""Look again after an apply: a row for all that was changed, and what still does not hold."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hosttune.changes.order import lasting
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.errors import HostError
from hosttune.facts.kinds import sysctl
from hosttune.findings.compare import holds
from hosttune.host import Host
from hosttune.model import (
    Change,
    FileState,
    Finding,
    Operator,
    Reading,
    Reason,
    Report,
    Subject,
    Unknown,
    Value,
    Verdict,
)
from hosttune.model.acting import Result
from hosttune.render import outcome
from hosttune.resolve.sysctl_value import kernel_value, shape_of
from hosttune.workflows import examine, loading

_NAMED = 6
_SETTING = re.compile(r"([A-Za-z0-9_./-]+) = .*")


def findings(host: Host, loaded: loading.Target, request: Request, seen: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings on all that was asked for: those of the roles, and those that an option has added."""
    known = {f.id for f in seen}
    more = [r for r in request.requirements if f"{r.subject}:{r.operator.value}" not in known]
    return (*seen, *(examine.judge_again(host, loaded.profiles, tuple(more)) if more else ()))


def results(
    host: Host, changes: Sequence[Change], request: Request, before: Iterable[Finding], after: Iterable[Finding]
) -> list[Result]:
    """Return a row for each subject that the changes serve, and for each sysctl, process and address beside them.

    `host` is as it is now, or as it would be.
    """
    changes = lasting(changes)
    claimed = {subject for change in changes for subject in change.serves}
    claimed |= {f"sysctl:{key}" for key in _keys(changes)}
    rows = outcome.rows(claimed, before, after)
    shown = {row.subject for row in rows}
    more = [*_sysctls(host, changes), *_processes(changes), *_addresses(host, changes, request)]
    return rows + [row for row in more if row.subject not in shown]


@dataclass(frozen=True, slots=True)
class Open:
    """What does not hold now, what will not at the next boot, and what is unknown: names of subjects."""

    now: dict[str, None] = field(default_factory=dict)
    boot: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)


def not_holding(findings: Iterable[Finding]) -> Open:
    """Return what findings leave open; lints are none of it."""
    open_ = Open()
    for finding in findings:
        requirement, reading = finding.requirement, finding.reading
        if requirement is None or reading is None:
            continue
        name = str(finding.subject).removeprefix("sysctl:")
        if finding.verdict is Verdict.UNKNOWN:
            open_.unknown[name] = None
        elif finding.verdict in (Verdict.FAIL, Verdict.DRIFT):
            runtime = reading.runtime
            good = requirement.operator is Operator.NOT_BELOW_NOW or (
                not isinstance(runtime, Unknown) and holds(requirement, runtime, runtime)
            )
            (open_.boot if good or isinstance(runtime, Unknown) else open_.now)[name] = None
    return open_


def nothing(report: Report, narrowed: Sequence[str], single: bool = False) -> str:
    """Return why a plan has no changes: all holds, or what does not lies outside of what was asked for.

    `narrowed` are the options by which less is written than the roles ask for; `single`: values were asked for one by
    one, and no role.
    """
    open_ = not_holding(report.findings)
    parts = [f"{named(open_.now)} now"] if open_.now else []
    parts += [f"{named(open_.boot)} at the next boot"] if open_.boot else []
    unknown = f"; {len(open_.unknown):,} {_be(open_.unknown)} unknown and left alone" if open_.unknown else ""
    if not parts:
        when = ", now and after a boot" if report.machine.kernel else " after a boot"
        when = when if report.where.loaded else " now"
        what = "what was given, or better," if single else f"what role {' + '.join(report.roles)} needs"
        return f"Nothing to do: {what} is set{when}{unknown}."
    state = f"Not as needed: {', '.join(parts)}{unknown}"
    if narrowed:
        by = " ".join(narrowed)
        return f"Nothing to do in what was given ({by}). {state}: apply without {by}."
    # the notes of the plan say why, and what else would help: a restart, --live, the initial namespace
    return f"Nothing left to write. {state}."


def named(subjects: Iterable[str]) -> str:
    """Return how many, and the first of them by name."""
    names = list(subjects)
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{len(names):,} ({', '.join(names[:_NAMED])}{more})"


def _be(names: Collection[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _keys(changes: Iterable[Change]) -> list[str]:
    """Return the sysctls that are changed now, or by a line of a file that is new in it."""
    keys: list[str] = []
    for change in changes:
        if change.backend == "sysctl":
            keys.append(change.target)
        elif "/sysctl.d/" in change.target and isinstance(change.after, FileState):
            old = change.before.text.splitlines() if isinstance(change.before, FileState) else []
            lines = (_SETTING.fullmatch(line) for line in change.after.text.splitlines() if line not in old)
            keys += [line[1] for line in lines if line]
    return list(dict.fromkeys(keys))


def _sysctls(host: Host, changes: Sequence[Change]) -> list[Result]:
    keys = _keys(changes)
    readings = sysctl.read(host, tuple(keys)) if keys else {}
    old = {c.target: c for c in changes if c.backend == "sysctl"}
    rows = []
    for key in keys:
        was: Value | Unknown = readings[key].runtime
        text = old[key].before if key in old else None
        if isinstance(text, str):
            was = kernel_value(text, shape_of(text, key))
        unit = "ports" if "port" in key.rpartition(".")[2] else ""
        rows.append(outcome.row(f"sysctl:{key}", was, readings[key], unit, old[key].why if key in old else ""))
    return rows


def _processes(changes: Sequence[Change]) -> Iterator[Result]:
    """Yield the rows of processes; what one has ends with it."""
    for change in changes:
        if change.backend == "prlimit":
            subject = Subject("nofile", f"pid/{change.target.partition(':')[0]}")
            reading = Reading(subject, _pair(change.after), Unknown(Reason.ABSENT, "it ends before"))
            yield outcome.row(str(subject), _pair(change.before), reading, "descriptors", change.why)


def _addresses(host: Host, changes: Sequence[Change], request: Request) -> Iterator[Result]:
    """Yield the rows of source addresses: those that came, and those that a file has got."""
    files = [c for c in changes if c.backend == "file"]
    come = {c.target for c in changes if c.backend == "address"}
    for target in request.addresses:
        address, _, interface = target.rpartition("@")
        if target not in come and not any(interface in c.target and _holds(c, address) for c in files):
            continue
        subject = Subject("address", target)
        now = "present" if target in come else _present(host, target)
        was = "absent" if target in come else now
        boot: Value | Unknown = "present" if request.persist else Unknown(Reason.UNSET)
        row = outcome.row(str(subject), was, Reading(subject, now, boot), "", "a source address more")
        yield row if request.persist else dataclasses.replace(row, boot="absent")


def _holds(change: Change, address: str) -> bool:
    return isinstance(change.after, FileState) and address in change.after.text


def _present(host: Host, target: str) -> str:
    try:
        return "present" if Planned(host).current("address", target) else "absent"
    except HostError:
        return "?"


def _pair(state: object) -> tuple[int, ...]:
    return tuple(int(word) for word in str(state).split())
