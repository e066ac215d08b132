"""Join gathering and deciding: from what was asked to one Report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from hosttune.capacity import capacity, remedies
from hosttune.errors import HostError, UsageError
from hosttune.facts import counters, kinds, writers
from hosttune.facts import defaults as default_rules
from hosttune.facts import machine as machines
from hosttune.facts import where as place
from hosttune.findings import lints, near, not_in_force, table
from hosttune.host import Host, text
from hosttune.model import (
    Finding,
    Machine,
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
from hosttune.workflows import agreeing, capacity_facts, destinations, lint_facts, opening


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
    programs = _started_by(host, programs, machine, where)
    required, waived = merge.requirements(profiles, workload, machine)
    required = tuple(
        dataclasses.replace(row, subject=subject) for row in required for subject in kinds.aimed(row.subject, programs)
    )
    readings = kinds.read(host, [*(row.subject for row in required), *kinds.always(programs)])
    known = defaults(host, profiles, machine, readings)
    readings = agreeing.raised(kinds.at_start(readings, where, known), programs)
    sources, mode, ports = workload.sources, workload.bind_mode, workload.bind_range
    goals = () if workload.forwards else workload.backends
    surveyed, pool_notes = destinations.survey(host, goals, sources, mode, ports, workload.caller)
    pools, at_once = (surveyed.pools(), surveyed.carried()) if surveyed else ((), ())
    machine = with_addresses(host, machine) if workload.backends else machine
    counted = counters.gather(host).counters
    facts = capacity_facts.capacity_facts(host, machine, workload, readings, surveyed, at_once, programs, counted)
    if facts.nofile is not None:
        readings[str(facts.nofile.subject)] = facts.nofile  # of the process that carries the connections
    bounds = capacity(facts)
    findings = _judge(required, readings, known, machine)
    findings = agreeing.settled(findings, facts, bounds, readings, known, machine)
    findings.extend(lints.lint(readings, lint_facts.gather(host, machine, readings, programs, where)))
    findings.extend(not_in_force.findings(programs.differences))
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
        remedies=remedies(facts, bounds),
        pools=pools,
        warnings=writers.warnings(host, where.loaded)
        + pool_notes
        + _chains(host, workload, machine)
        + near.warnings(capacity_facts.uses(facts, counted)),
        missing=missing + _missing(machine),
        waived=waived,
        command=command,
        where=where,
    )


def _chains(host: Host, workload: Workload, machine: Machine) -> tuple[str, ...]:
    slots = text(host, "/proc/sys/net/ipv4/tcp_ehash_entries")
    return table.hint(workload, machine, int(slots) if re.fullmatch(r"-?[0-9]{1,10}", slots) else None)


def _started_by(host: Host, programs: Programs, machine: Machine, where: Where) -> Programs:
    """Return whose limits count where no unit and no login of this host starts anything."""
    if where.contained and not where.inside:
        return dataclasses.replace(programs, unit="", users=(), unit_raises=False)
    apart = bool(machine.container) or machine.network_namespace == "another"
    if machine.kernel and apart and not machine.systemd:
        # what the container's first process has, its children inherit; a namespace alone has no first process
        first = 1 if machine.container or _first_is_here(host) else None
        return dataclasses.replace(programs, unit="", users=(), unit_raises=False, pid=programs.pid or first)
    return programs


def _first_is_here(host: Host) -> bool:
    """Say whether the process with number 1 is seen to be in our network namespace."""
    try:
        return any(row.get("here") for row in host.probe("programs", pids=[1], inodes=[])["programs"])
    except HostError:
        return False


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
    return [agreeing.judged(row, readings, known, machine) for row in required]


def defaults(
    host: Host, profiles: list[Profile], machine: Machine, readings: Mapping[str, Reading]
) -> dict[str, Value | None]:
    """Return what holds after a boot where no file says otherwise.

    What the base profile describes of the kernel holds for a profile that does not extend it too.
    """
    named = {
        subject: _value(about.get("default_value"))
        for profile in [*opening.open_profiles([], []), *profiles]
        for subject, about in profile.about.items()
    }
    return named | default_rules.defaults(host, machine, readings)


def severity(text: str) -> Severity:
    """Return the severity that --fail-on names; raises UsageError."""
    if text not in list(Severity):
        raise UsageError(f"--fail-on {text}: unknown; choose {', '.join(Severity)}")
    return Severity(text)


def with_addresses(host: Host, machine: Machine) -> Machine:
    """Add the host's addresses: asked only where sources matter, for the answer takes a library of its own."""
    try:
        answer = host.probe("addresses")
    except HostError:
        return machine
    return dataclasses.replace(
        machine, addresses=tuple(answer["addresses"]), local_routes=tuple(answer["local_routes"])
    )


def _value(default: Any) -> Value | None:
    return tuple(default) if isinstance(default, list) else default


def _missing(machine: Machine) -> tuple[str, ...]:
    if machine.root_user or not machine.kernel:
        return ()
    return ("the limits and sockets of other users' processes, and files that only root may read",)
