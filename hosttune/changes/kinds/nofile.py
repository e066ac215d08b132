"""Descriptor limits: of services, of logins, of running processes, and the fs.nr_open that holds them all."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune import kernel
from hosttune.changes import limit_files, refuse
from hosttune.changes.backends import prlimit
from hosttune.changes.draft import Draft, Row, judged
from hosttune.changes.kinds import sysctl
from hosttune.changes.limit_files import holder
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.changes.value import meet, pair, text
from hosttune.errors import HostError
from hosttune.facts.kinds import nofile as facts
from hosttune.model import Change, Finding, Machine, Reason, Requirement, Subject, Unknown, Value, Verdict
from hosttune.resolve.systemd_limits import (
    BUMPED,
    raises_nr_open,
    resolve_unit,
)

RANK = 1
ONLY = ("limits", "units")
PLACES = limit_files.PLACES

_NR_OPEN = Subject("sysctl", "fs.nr_open")


def rows(draft: Draft) -> None:
    """Say what each limit shall be; none where fs.nr_open would have to rise above it and may not."""
    limits = [
        row
        for row in rows_of(draft.findings, draft.notes)
        if draft.request.wants("limits" if holder(row)[0] == "login" else "units")
    ]
    # else their files would be cut by that fs.nr_open, and blame it on the wrong line
    if _below_nr_open(draft, limits):
        draft.rows |= {row.subject: row for row in limits}


def changes(draft: Draft) -> None:
    """Raise the limits of processes, and write the files that set those of logins and services."""
    limits = draft.of("nofile")
    if draft.request.runtime:
        draft.add(_live(draft, limits))
    # the files are judged on the host as it will be: nofile is cut by the fs.nr_open that holds then
    ceiling = draft.rows[_NR_OPEN].boot_after if _NR_OPEN in draft.rows else Unknown(Reason.UNSET)
    if not isinstance(ceiling, Unknown):
        draft.future = draft.future.with_([Change("sysctl", _NR_OPEN.name, None, text(ceiling))])
    if draft.request.persist:
        limit_files.logins(draft, limits)
        limit_files.units(draft, limits)
    draft.restarts += [holder(row)[1] for row in limits if row.now is not None and holder(row)[0] == "unit"]


def rows_of(findings: Iterable[Finding], notes: list[str]) -> list[Row]:
    """Return a row for each limit that does not hold, as (soft, hard); why one cannot be set goes to `notes`.

    `now` is that of the process that was read; others of the same service get what `_raised` says.
    """
    limits: dict[Subject, Row] = {}
    for finding, requirement, reading in judged(findings, "nofile"):
        if finding.verdict is Verdict.OK:
            continue
        row = limits.setdefault(finding.subject, Row(finding.subject, reading))
        have = _have(row, requirement)
        if have is None or pair(meet(requirement, have)) is None:
            notes.append(f"nofile of {' '.join(holder(row))} is left alone: {_why_not(row, have, requirement)}")
            continue
        row.serve(requirement)
        boot, now = pair(row.disk or reading.boot), pair(reading.runtime)
        disk = _whole(meet(requirement, boot))
        row.disk = disk if holder(row)[0] != "pid" and disk != boot else row.disk
        live = _whole(meet(requirement, now)) if now is not None else None
        row.now = live if live != now else None
    return list(limits.values())


def _have(row: Row, requirement: Requirement) -> tuple[int, int] | None:
    """Return the limits that a requirement starts from, None where they are unknown."""
    kind, reading = holder(row)[0], row.reading
    if kind == "pid":
        return pair(reading.runtime)
    have = pair(row.disk or reading.boot)
    if kind == "login" and isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.UNDECIDED:
        # our own lines for soft and hard decide, whatever a session would begin with
        have = have or _whole(meet(requirement, None))
    return have


def _why_not(row: Row, have: tuple[int, int] | None, requirement: Requirement) -> str:
    if have is not None:
        return f"{requirement.origin or 'the profile'} needs {text(requirement.wants[0])}, which is no number of files"
    kind = holder(row)[0]
    missing = row.reading.runtime if kind == "pid" else row.reading.boot
    if isinstance(missing, Unknown) and missing.reason is Reason.ABSENT and kind == "unit":
        fix = "say which program handles the connections: --service or --user"
        return f"{missing.detail}; {fix}"
    return str(missing)


def _below_nr_open(draft: Draft, limits: list[Row]) -> bool:
    """See that fs.nr_open rises before a nofile, at boot too; False where it may not, which is refused."""
    request = draft.request
    on_disk, need, need_now = _needed(limits, request)
    if not need:
        return True
    row = sysctl.row_of(draft, _NR_OPEN.name)
    now = row.runtime_after
    low_now = isinstance(now, int) and now < need_now
    low_boot = _at_boot_ceiling(row, draft.facts.machine) < need
    if not low_now and not (low_boot and on_disk):
        return True
    excepted = _NR_OPEN.name in request.leave
    barred = excepted or not request.wants("sysctl")
    if barred or (low_now and not request.runtime) or (low_boot and not request.persist):
        draft.refusals.append(refuse.above_nr_open(need, now, "now" if low_now else "after a boot", excepted))
        return False
    draft.rows[_NR_OPEN] = row
    row.serves += [subject for limit in limits for subject in limit.serves]
    row.why = row.why or "no process can be given more descriptors than this"
    _raise(row, need, low_now, bool(low_boot and on_disk))
    return True


def _raise(row: Row, need: int, now: bool, boot: bool) -> None:
    """Raise fs.nr_open in these layers; what a profile asks for, or what there is, may be more than is needed."""
    there = _number(row.runtime_after)
    row.now = max(need, _number(row.now)) if now else row.now
    row.disk = max(need, there) if boot else row.disk


def _needed(limits: list[Row], request: Request) -> tuple[int, int, int]:
    """Return the highest limit of the files, of all that is written, and what fs.nr_open must be now for it."""
    files = limits if request.persist else []
    on_disk, live = _most(row.disk for row in files), _most(row.now for row in limits if request.live)
    if request.runtime:
        return on_disk, max(on_disk, live), max(on_disk, live)
    # of a service systemd cuts what is too much; the next login fails (pam_limits), or gets nothing
    logins = _most(row.disk for row in files if holder(row)[0] == "login")
    return on_disk, max(on_disk, live), max(live, logins)


def _most(limits: Iterable[Value | None]) -> int:
    """Return the highest hard limit, 0 for none."""
    return max((soft_and_hard[1] for value in limits if (soft_and_hard := pair(value))), default=0)


def _number(value: Value | Unknown | None) -> int:
    return value if isinstance(value, int) else 0


def _at_boot_ceiling(row: Row, machine: Machine) -> int:
    if isinstance(row.boot_after, int):
        return row.boot_after
    # no file sets it: what comes at boot is the kernel's default, or the value that this systemd raises it to
    raised = row.reading.runtime == BUMPED or raises_nr_open(machine.distribution, machine.version)
    return BUMPED if raised else kernel.NR_OPEN


def _live(draft: Draft, limits: list[Row]) -> list[Change]:
    """Return the changes to running processes; without --live they are only named."""
    made: list[Change] = []
    for row in limits:
        kind, name = holder(row)
        if row.now is None:
            continue
        if not draft.request.live:
            if kind == "pid":
                draft.notes.append(f"process {name} keeps its limits: --live raises those of running processes")
            continue
        pids = _processes(draft.world, kind, name)
        if not pids and kind == "unit":
            draft.notes.append(f"--live: no process of {name} is seen to run, none was raised")
        for pid in pids:
            try:
                target = prlimit.target_of(draft.world, pid)
                before = prlimit.read(draft.world, target)
            except HostError as error:
                draft.notes.append(f"process {pid} is left alone: {error}")
                continue
            if before is not None:
                made.append(Change("prlimit", target, before, _raised(row, str(before)), tuple(row.serves), row.why))
    if made:
        draft.notes.append(
            "a program that reckoned with its limit when it started uses a higher one only once started again"
        )
    return made


def _raised(row: Row, before: str) -> str:
    """Return the limits that a running process shall have; neither is ever lowered."""
    soft, hard = map(int, before.split())
    for requirement in row.needs:
        soft, hard = map(max, (soft, hard), _whole(meet(requirement, (soft, hard))) or (soft, hard))
    return f"{soft} {hard}"


def _processes(world: Planned, kind: str, name: str) -> list[int]:
    """Return the processes of a row: the one it names, or those of its unit's control group."""
    if kind == "pid":
        return [int(name)]
    return facts.processes(world, resolve_unit(world, name).id) if kind == "unit" else []


def _whole(value: Value | None) -> tuple[int, int] | None:
    """Return soft and hard; a hard limit is never below the soft one (getrlimit(2))."""
    limits = pair(value)
    return (limits[0], max(limits)) if limits else None
