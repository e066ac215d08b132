"""Profiles as planning takes them: figures of the workload, settings as far as they can be raised, what a load asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from hosttune.model import Machine, Operator, Reading, Requirement, Setting, Subject, Topology, Value, Workload
from hosttune.model.programs import KnownProgram
from hosttune.planning import sizing
from hosttune.profile import clouds, load, merge
from hosttune.profile.load import Profile
from hosttune.programs import knowledge
from hosttune.workflows import opening, trust

_RANGE = "sysctl:net.ipv4.ip_local_port_range"
_PER_PROCESS = ("nofile:", "sysctl:fs.nr_open")  # what each of several processes has for itself (getrlimit(2))


def of(topology: Topology) -> dict[str, sizing.Role]:
    """Return the roles that the tiers name; raises UsageError or ProfileError."""
    base = opening.open_profiles([], [])
    programs = knowledge.of(*(tier.program for tier in topology.tiers))
    return {name: _role(name, base, programs) for name in dict.fromkeys(tier.role for tier in topology.tiers)}


def _role(name: str, base: Iterable[Profile], programs: tuple[KnownProgram, ...]) -> sizing.Role:
    """Return one role, by the name of its profile; `base` describes keys that it does not name."""
    profile = load.load(name, directories=opening.LOCAL)
    trust.weigh(profile.doubts)
    about = {subject: table for source in (*base, profile) for subject, table in source.about.items()}
    defaults = merge.workload([profile])
    known = _known(about)

    def readings(machine: Machine) -> dict[str, Reading]:
        values = dict(known)
        for required in _required(profile, defaults, machine):
            value = _raised(required, about.get(str(required.subject), {}))
            if required.subject.kind == "sysctl" and value is not None:
                values[str(required.subject)] = Reading(required.subject, value, value)
        return values

    def wants(workload: Workload, machine: Machine, processes: int) -> tuple[Setting, ...]:
        # the plan counts on the ports of the role at its own load, of which it was told how many there are
        counted = {r.subject: r for r in _required(profile, defaults, machine) if str(r.subject) == _RANGE}
        return _settings(profile, workload, machine, processes, counted)

    return sizing.Role(name, defaults, readings, wants, programs, clouds.every())


def _required(profile: Profile, workload: Workload, machine: Machine) -> tuple[Requirement, ...]:
    return merge.requirements([profile], workload, machine)[0]


def _known(about: dict[str, dict[str, Any]]) -> dict[str, Reading]:
    """Return what holds by default, for keys that no role asks anything of."""
    values = {}
    for subject, table in about.items():
        value = table.get("default_value")
        if value is not None:
            value = tuple(value) if isinstance(value, list) else value
            values[subject] = Reading(Subject.parse(subject), value, value)
    return values


def _raised(required: Requirement, table: dict[str, Any]) -> Value | None:
    """Return the most that a key may be given where the role asks for "at least", else what the role asks for."""
    if not required.wants:
        return None
    value = required.wants[0]
    if required.operator is Operator.AT_LEAST and isinstance(value, int) and table.get("legal"):
        return max(value, int(table["legal"][1]))
    return value


def _settings(
    profile: Profile,
    workload: Workload,
    machine: Machine,
    processes: int,
    counted: Mapping[Subject, Requirement],
) -> tuple[Setting, ...]:
    required = tuple(counted.get(row.subject, row) for row in _required(profile, workload, machine))
    if processes > 1:
        each = dataclasses.replace(workload, connections=-(-workload.connections // processes))
        of_one = {str(r.subject): r for r in _required(profile, each, machine)}
        required = tuple(
            of_one.get(str(r.subject), r) if str(r.subject).startswith(_PER_PROCESS) else r for r in required
        )
    return tuple(_setting(r) for r in _wanted(required, machine))


def _wanted(required: Iterable[Requirement], machine: Machine) -> Iterable[Requirement]:
    """Leave out what is unknown, and the conntrack table of a host that tracks nothing."""
    return (r for r in required if r.wants and not (machine.conntrack is False and "nf_conntrack" in r.subject.name))


def _setting(required: Requirement) -> Setting:
    return Setting(str(required.subject), required.wants[0], required.unit, required.why, required.operator.value)
