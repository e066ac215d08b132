"""Join gathering and deciding: from what was asked to one Report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hosttune.capacity import capacity, remedies
from hosttune.errors import HostError, UsageError
from hosttune.facts import counters, kinds, writers
from hosttune.facts import defaults as default_rules
from hosttune.facts import machine as machines
from hosttune.facts import where as place
from hosttune.findings import judge, lints, near
from hosttune.host import Host
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
from hosttune.workflows import capacity_facts, destinations, lint_facts, opening


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
    sources, mode, ports = workload.sources, workload.bind_mode, workload.bind_range
    surveyed, pool_notes = destinations.survey(host, workload.backends, sources, mode, ports)
    pools = surveyed.pools() if surveyed else ()
    machine = _with_addresses(host, machine) if workload.backends else machine
    findings = _judge(required, readings, known, machine)
    findings.extend(lints.lint(readings, lint_facts.gather(host, machine, readings, programs, where)))
    counted = counters.gather(host).counters
    facts = capacity_facts.capacity_facts(host, machine, workload, readings, surveyed, programs, counted)
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


def _with_addresses(host: Host, machine: Machine) -> Machine:
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
