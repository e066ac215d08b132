"""Join gathering and deciding: from what was asked to one Report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from hosttune import kernel
from hosttune.capacity import capacity, remedies
from hosttune.errors import HostError, UsageError
from hosttune.facts import counters, kinds, writers
from hosttune.facts import defaults as default_rules
from hosttune.facts import machine as machines
from hosttune.facts import where as place
from hosttune.facts.kinds import sysctl
from hosttune.findings import judge, lints, near
from hosttune.findings.lint_facts import LintFacts
from hosttune.host import Host, text
from hosttune.model import (
    Finding,
    Machine,
    Origin,
    Programs,
    Reading,
    Report,
    Requirement,
    Severity,
    Value,
    Where,
    Workload,
)
from hosttune.profile import merge
from hosttune.profile.load import Profile
from hosttune.resolve.sysctl_value import display, normalise
from hosttune.workflows import capacity_facts, opening


def examine(
    host: Host,
    profiles: list[Profile],
    workload: Workload,
    programs: Programs,
    command: str,
    missing: tuple[str, ...] = (),
    where: Where | None = None,
) -> Report:
    """Gather what the profiles name, compare, count, and return all of it."""
    machine = machines.gather(host)
    where = where or place.gather(host, machine)
    programs = _started_by(programs, machine, where)
    required, waived = merge.requirements(profiles, workload, machine)
    required = tuple(
        dataclasses.replace(row, subject=subject) for row in required for subject in kinds.aimed(row.subject, programs)
    )
    readings = kinds.read(host, [*(row.subject for row in required), *kinds.always(programs)])
    known = defaults(host, profiles, machine, readings)
    readings = kinds.at_start(readings, where, known)
    found, pool_notes = capacity_facts.survey(host, workload)
    pools = found.pools() if found else ()
    machine = _with_addresses(host, machine) if workload.backends else machine
    findings = _judge(required, readings, known, machine)
    findings.extend(lints.lint(readings, _lint_facts(host, machine, readings, programs, where)))
    counted = counters.gather(host).counters
    facts = capacity_facts.capacity_facts(host, machine, workload, readings, found, programs, counted)
    bounds = capacity(facts)
    asked = {str(finding.subject) for finding in findings if finding.requirement}
    if facts.nofile is not None and str(facts.nofile.subject) not in asked:
        carried = next((b.hard for b in bounds if b.kind == "nofile"), None)
        findings.extend(lints.unasked(facts.nofile.subject, carried, workload.connections))
    return Report(
        machine=machine,
        roles=tuple(p.name for p in profiles),
        workload=workload,
        findings=tuple(findings),
        bounds=bounds,
        remedies=remedies(facts),
        pools=pools,
        warnings=writers.warnings(host, where.loaded) + pool_notes + near.warnings(capacity_facts.uses(facts, counted)),
        missing=missing + _missing(machine),
        waived=waived,
        command=command,
        where=where,
    )


def _started_by(programs: Programs, machine: Machine, where: Where) -> Programs:
    """Return whose limits count where no unit and no login of this host starts anything."""
    if where.contained and not where.inside:
        return Programs("", (), programs.pid, settings=programs.settings)
    apart = bool(machine.container) or machine.network_namespace == "another"
    if machine.kernel and apart and not machine.systemd:
        # what the container's first process has, its children inherit
        return Programs("", (), programs.pid or 1, settings=programs.settings)
    return programs


def judge_again(
    host: Host, profiles: list[Profile], required: tuple[Requirement, ...], where: Where | None = None
) -> tuple[Finding, ...]:
    """Hold requirements that are merged and aimed already against a host, which may be one that is only planned."""
    readings = kinds.read(host, [*(row.subject for row in required), *kinds.always(Programs("", (), None))])
    machine = machines.gather(host)
    known = defaults(host, profiles, machine, readings)
    readings = kinds.at_start(readings, where or place.gather(host, machine), known)
    return tuple(_judge(required, readings, known, machine))


def _judge(
    required: tuple[Requirement, ...],
    readings: dict[str, Reading],
    known: dict[str, Value | None],
    machine: Machine,
) -> list[Finding]:
    return [
        judge.with_tracking(
            judge.judge(r, readings[s := str(r.subject)], known.get(s), s in default_rules.ROUGH), machine
        )
        for r in required
    ]


def defaults(
    host: Host, profiles: list[Profile], machine: Machine, readings: Mapping[str, Reading]
) -> dict[str, Value | None]:
    """Return what holds after a boot where no file says otherwise.

    What the base profile tells of the kernel holds for a profile that does not extend it too.
    """
    told = {
        subject: _value(about.get("default_value"))
        for profile in [*opening.open_profiles([], []), *profiles]
        for subject, about in profile.about.items()
    }
    return told | default_rules.defaults(host, machine, readings)


def severity(text: str) -> Severity:
    """Return the severity that --fail-on names; raises UsageError."""
    if text not in list(Severity):
        raise UsageError(f"--fail-on {text}: unknown; choose {', '.join(Severity)}")
    return Severity(text)


def find_process(host: Host, name: str) -> int:
    """Return the lowest pid of that name (the kernel keeps 15 characters, proc(5)); raises UsageError."""
    paths = [p for p in host.glob("/proc/[0-9]*/comm") if text(host, p) == name[:15]]
    pids = [int(found[1]) for p in paths if (found := re.fullmatch("/proc/([0-9]{1,10})/comm", p))]
    if not pids:
        raise UsageError(f"--process-name {name}: no such process; `ps -e` shows those that run")
    return min(pids)


def _with_addresses(host: Host, machine: Machine) -> Machine:
    """Add the host's addresses: asked only where sources matter, for the answer takes a library of its own."""
    try:
        found = host.probe("addresses")
    except HostError:
        return machine
    return dataclasses.replace(machine, addresses=tuple(found["addresses"]), local_routes=tuple(found["local_routes"]))


def _lint_facts(
    host: Host, machine: Machine, readings: Mapping[str, Reading], programs: Programs, where: Where
) -> LintFacts:
    files = sysctl.files(host, tuple(text.removeprefix("sysctl:") for text in readings if text.startswith("sysctl:")))
    lines = [(display(a.key), a.text, a.origin) for a in files.boot.assignments if a.text is not None]
    # a line that does not reach what is judged is no mistake there, nor is a key missing that only the host shows
    away = ("net.",) if where.inside and not where.contained else ("",)
    assignments = tuple(line for line in lines if where.loaded or not line[0].startswith(away))
    keys = None
    if machine.kernel:
        keys = frozenset(key for key, _, _ in assignments if host.glob(f"/proc/sys/{normalise(key)}"))
    unit_here = programs.unit if machine.systemd and host.glob(f"/*/systemd/system/{programs.unit}") else ""
    return LintFacts(
        listening=listening(host),
        memory=machine.memory,
        page_size=machine.page_size,
        assignments=assignments,
        keys=keys,
        logins_raised=_logins_raised(host) if unit_here else (),
        unit=unit_here,
        raised_file_max=default_rules.raises_file_max(host, machine),
    )


def _logins_raised(host: Host) -> tuple[Origin, ...]:
    """Return the lines of limits.conf(5) files that set nofile."""
    found = []
    for path in ("/etc/security/limits.conf", *host.glob("/etc/security/limits.d/*.conf")):
        for number, line in enumerate(_lines(host, path), 1):
            fields = line.partition("#")[0].split()
            if len(fields) == 4 and fields[2].lower() == "nofile":
                found.append(Origin(path, number, fields[3]))
    return tuple(found)


def _lines(host: Host, path: str) -> list[str]:
    try:
        return host.read(path).split("\n")
    except HostError:
        return []


def _value(default: Any) -> Value | None:
    return tuple(default) if isinstance(default, list) else default


def listening(host: Host) -> int:
    """Return the ports with a TCP listener of either family, as a set of bits (sock_diag(7), proc_pid_net(5))."""
    try:
        return sum(1 << port for port in {h["port"] for h in host.probe("sockets", backends=[])["held"] if h["listen"]})
    except HostError:
        return _listed(host)


def _listed(host: Host) -> int:
    ports = 0
    for name in ("tcp", "tcp6"):
        for line in text(host, f"/proc/net/{name}").splitlines()[1:]:
            fields = line.split()
            port = fields[1].rpartition(":")[2] if len(fields) > 3 and fields[3] == f"{kernel.LISTEN:02X}" else ""
            if re.fullmatch(r"[0-9A-F]{4}", port):
                ports |= 1 << int(port, 16)
    return ports


def _missing(machine: Machine) -> tuple[str, ...]:
    if machine.root_user or not machine.kernel:
        return ()
    return ("the limits and sockets of other users' processes, and files that only root may read",)
