"""From findings to a plan: what to write where, in which order, or why nothing may be written."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.changes import addresses, limits, promotion, refuse, sysctls, targets
from hosttune.changes.backends import prlimit
from hosttune.changes.order import forward
from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts, Request
from hosttune.changes.value import text
from hosttune.errors import HostError
from hosttune.model import Change, Finding, Plan, Reason, Unknown
from hosttune.resolve.systemd_limits import BUMPED as _BUMPED
from hosttune.resolve.systemd_limits import NR_OPEN


def plan(world: Planned, findings: Sequence[Finding], request: Request, facts: PlanFacts) -> Plan:
    """Return the plan; what already holds is not touched. Reads `world`, writes nothing."""
    notes: list[str] = []
    refusals: list[str] = []
    rows: dict[str, sysctls.Row] = {}
    alone: dict[str, list[str]] = {}
    if request.wants("sysctl"):
        rows = sysctls.rows_of(findings, request, facts, alone)
        refusals += refuse.hidden(sysctls.hidden(findings))
        refusals += refuse.keys(rows, findings, request.allow)
    limit_rows = [row for row in limits.rows_of(findings, notes) if _counts(row, request)]
    if not _raise_nr_open(world, rows, limit_rows, request, facts, refusals):
        limit_rows = []  # their files would be cut by that fs.nr_open, and blame it on the wrong line
    for because, keys in alone.items():
        left = [key for key in dict.fromkeys(keys) if rows[key].now is None and rows[key].disk is None]
        notes += [f"left alone: {', '.join(left)}: {because}"] if left else []
    refusals += refuse.values(rows.values(), facts)
    range_ = rows.get("net.ipv4.ip_local_port_range")
    if range_ is not None:
        refusals += refuse.port_range(range_, targets.row_of(world, rows, "net.ipv4.ip_unprivileged_port_start"))
        refusals += refuse.ports(range_, targets.row_of(world, rows, "net.ipv4.ip_local_reserved_ports"), facts)
    changes = _runtime(world, rows)
    changes += _live(world, limit_rows, request, notes)
    # the files are judged on the host as it will be: nofile is cut by the fs.nr_open that holds then
    ceiling = rows["fs.nr_open"].boot_after if "fs.nr_open" in rows else Unknown(Reason.UNSET)
    at_boot = [] if isinstance(ceiling, Unknown) else [Change("sysctl", "fs.nr_open", None, text(ceiling))]
    future = world.with_([*changes, *at_boot])
    draft = targets.Draft(list(rows.values()), limit_rows, request, refusals, notes, facts.written)
    for make in (targets.modules, targets.sysctl_file, targets.limit_files, targets.unit_files):
        made = make(future, draft)
        changes += made
        future = future.with_(made)
    changes += addresses.addresses(world, request, facts.addresses, refusals, notes, facts.written)
    changes = [c for c in changes if c.before != c.after]
    refusals += refuse.paths(world, changes)
    one_way = refuse.one_way(changes, facts)
    notes += one_way.values()
    stale = tuple(sorted({row.name for row in limit_rows if row.stale}))
    units = any(c.target.startswith("/etc/systemd/system") and c.backend == "file" for c in changes)
    return Plan(
        changes=promotion.around(world, forward(changes)),
        refusals=tuple(dict.fromkeys(refusals)),
        notes=tuple(dict.fromkeys(notes)),
        reload=units and facts.machine.systemd,
        restarts=stale if facts.machine.systemd else (),
        restart=request.restart,
        one_way=tuple(one_way),
    )


def _counts(row: limits.LimitRow, request: Request) -> bool:
    kind = {"login": "limits"}.get(row.kind, "units")
    return request.wants(kind)


def _raise_nr_open(
    world: Planned,
    rows: dict[str, sysctls.Row],
    limit_rows: list[limits.LimitRow],
    request: Request,
    facts: PlanFacts,
    refusals: list[str],
) -> bool:
    """See that fs.nr_open rises before a nofile, at boot too; False where it may not, which is refused."""
    on_disk = max((row.disk[1] for row in limit_rows if row.disk and request.persist), default=0)
    live = max((row.now[1] for row in limit_rows if row.now and request.live), default=0)
    # of a service systemd cuts what is too much; the next login fails (pam_limits), or gets nothing
    logins = max((row.disk[1] for row in limit_rows if row.disk and row.kind == "login" and request.persist), default=0)
    need = max(on_disk, live)
    need_now = need if request.runtime else max(logins, live)
    if not need:
        return True
    row = targets.row_of(world, rows, "fs.nr_open")
    now, boot = row.runtime_after, row.boot_after
    low_now = isinstance(now, int) and now < need_now
    if isinstance(boot, int):
        low_boot = boot < need
    else:
        # no file sets it: what comes at boot is the kernel's default, or the value that this systemd raises it to
        bumped = row.reading.runtime == _BUMPED or targets.raises_nr_open(facts.machine)
        low_boot = need > (_BUMPED if bumped else NR_OPEN)
    if not (low_now or (low_boot and on_disk)):
        return True
    excepted = "fs.nr_open" in request.leave
    barred = excepted or not request.wants("sysctl")
    if barred or (low_now and not request.runtime) or (low_boot and not request.persist):
        refusals.append(refuse.above_nr_open(need, now, "now" if low_now else "after a boot", excepted))
        return False
    rows["fs.nr_open"] = row
    row.serves += [s for r in limit_rows for s in r.serves]
    row.why = row.why or "no process can be given more descriptors than this"
    row.now = max(need, row.now if isinstance(row.now, int) else 0) if low_now else row.now
    row.disk = max(need, now if isinstance(now, int) else 0) if low_boot and on_disk else row.disk
    return True


def _runtime(world: Planned, rows: dict[str, sysctls.Row]) -> list[Change]:
    made: list[Change] = []
    for row in rows.values():
        if row.now is None or isinstance(row.reading.runtime, Unknown) or row.now == row.reading.runtime:
            continue
        before = world.current("sysctl", row.key)
        made.append(Change("sysctl", row.key, before, text(row.now), tuple(row.serves), row.why))
    return made


def _live(world: Planned, limit_rows: list[limits.LimitRow], request: Request, notes: list[str]) -> list[Change]:
    """Return the changes to running processes; without --live they are only named."""
    made: list[Change] = []
    for row in limit_rows:
        if row.now is None or not request.runtime:
            continue
        pids = targets.processes(world, row)
        if not request.live:
            if row.kind == "pid":
                notes.append(f"process {row.name} keeps its limits: --live raises those of running processes")
            continue
        if not pids and row.kind == "unit":
            notes.append(f"--live: no process of {row.name} is seen to run, none was raised")
        for pid in pids:
            try:
                target = prlimit.target_of(world, pid)
                before = prlimit.read(world, target)
            except HostError as error:
                notes.append(f"process {pid} is left alone: {error}")
                continue
            if before is None:
                continue
            have, most = map(int, str(before).split())
            soft, hard = row.raised((have, most))
            made.append(Change("prlimit", target, before, f"{soft} {hard}", tuple(row.serves), row.why))
    if made:
        notes.append("a program that reckoned with its limit when it started uses a higher one only once started again")
    return made
