"""Join gathering and deciding: from what was asked to one Report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hosttune import capacity
from hosttune.capacity._facts import CapacityFacts
from hosttune.errors import HostError, UsageError
from hosttune.facts import machine as machines
from hosttune.facts import nofile, pool, sysctl, writers
from hosttune.findings import judge, lints
from hosttune.host import Host
from hosttune.model import (
    Finding,
    Machine,
    PortPool,
    Reading,
    Reason,
    Report,
    Requirement,
    Subject,
    Unknown,
    Verdict,
    Workload,
)
from hosttune.profile import merge
from hosttune.profile.load import Profile

# read for the bounds and the lints, whatever the profiles name
_ALWAYS = (
    "fs.file-max",
    "fs.nr_open",
    "fs.epoll.max_user_watches",
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.netfilter.nf_conntrack_max",
)
_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h, as /proc/net/tcp prints it


@dataclass(frozen=True, slots=True)
class Programs:
    """Who carries the connections: a unit, logins, a process."""

    unit: str
    users: tuple[str, ...]
    pid: int | None


def examine(host: Host, profiles: list[Profile], workload: Workload, programs: Programs, command: str) -> Report:
    """Gather what the profiles name, compare, count, and return all of it."""
    machine = machines.gather(host)
    required, waived = merge.requirements(profiles, workload, machine)
    required = tuple(r for one in required for r in _aim(one, programs))
    readings = _gather(host, required, programs)
    pools, pool_notes = _pools(host, workload)
    findings = [judge.judge(r, readings[str(r.subject)]) for r in required]
    findings.extend(lints.lint(readings, _lint_facts(host, machine, readings, programs)))
    bounds = capacity.capacity(_capacity_facts(host, machine, workload, readings, pools, programs))
    return Report(
        machine=machine,
        roles=tuple(p.name for p in profiles),
        workload=workload,
        findings=tuple(findings),
        bounds=bounds,
        pools=pools,
        warnings=writers.warnings(host) + pool_notes,
        missing=_missing(machine),
        waived=waived,
        command=command,
    )


def exit_code(findings: Iterable[Finding], fail_on: int, strict: bool) -> int:
    """Return 1 for a failure at or above `fail_on` (a severity's rank), 3 with `strict` for an unknown, else 0."""
    failed = any(f.verdict in (Verdict.FAIL, Verdict.DRIFT) and f.severity.rank >= fail_on for f in findings)
    unknown = any(f.verdict is Verdict.UNKNOWN and f.severity.rank >= fail_on for f in findings)
    return 1 if failed else 3 if strict and unknown else 0


def find_process(host: Host, name: str) -> int:
    """Return the lowest pid of that name (the kernel keeps 15 characters, proc(5)); raises UsageError."""
    pids = [int(p.split("/")[2]) for p in host.glob("/proc/[0-9]*/comm") if machines.text(host, p) == name[:15]]
    if not pids:
        raise UsageError(f"--process-name {name}: no such process; `ps -e` shows those that run")
    return min(pids)


def _aim(requirement: Requirement, programs: Programs) -> list[Requirement]:
    """Point the rows for the service, the login and the process at those of this host."""
    if requirement.subject.kind != "nofile":
        return [requirement]
    aims = {
        "service": [f"unit/{programs.unit}"] if programs.unit else [],
        "login": [f"login/{user}" for user in programs.users],
        "process": [f"pid/{programs.pid}"] if programs.pid is not None else [],
    }
    names = aims.get(requirement.subject.name, [requirement.subject.name])
    return [dataclasses.replace(requirement, subject=Subject("nofile", name)) for name in names]


def _gather(host: Host, required: tuple[Requirement, ...], programs: Programs) -> dict[str, Reading]:
    names = [r.subject.name for r in required if r.subject.kind == "sysctl"]
    readings = {f"sysctl:{k}": v for k, v in sysctl.gather(host, dict.fromkeys([*names, *_ALWAYS])).items()}
    subjects = {r.subject for r in required if r.subject.kind == "nofile"}
    subjects |= {Subject("nofile", f"pid/{programs.pid}")} if programs.pid is not None else set()
    subjects |= {Subject("nofile", f"unit/{programs.unit}")} if programs.unit else set()
    for subject in sorted(subjects):
        try:
            readings[str(subject)] = nofile.read(host, subject)
        except HostError as error:
            unknown = Unknown(error.reason, error.detail)
            readings[str(subject)] = Reading(subject, unknown, unknown)
    return readings


def _pools(host: Host, workload: Workload) -> tuple[tuple[PortPool, ...], tuple[str, ...]]:
    if not workload.backends:
        return (), ()
    try:
        return pool.pools(host, workload.backends, workload.sources, workload.bind_mode, workload.bind_range)
    except HostError as error:
        return (), (f"the port pools could not be counted: {error}",)


def _lint_facts(host: Host, machine: Machine, readings: dict[str, Reading], programs: Programs) -> lints.LintFacts:
    raise NotImplementedError


def _capacity_facts(
    host: Host,
    machine: Machine,
    workload: Workload,
    readings: dict[str, Reading],
    pools: tuple[PortPool, ...],
    programs: Programs,
) -> CapacityFacts:
    raise NotImplementedError


def _missing(machine: Machine) -> tuple[str, ...]:
    if machine.root_user or not machine.kernel:
        return ()
    return ("the limits and sockets of other users' processes, and files that only root may read",)
