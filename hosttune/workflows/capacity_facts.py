"""Gather what the bounds are computed from beside the readings: pools, counts, the running program, its groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hosttune import kernel
from hosttune.addresses import bare
from hosttune.capacity.facts import CapacityFacts
from hosttune.errors import HostError
from hosttune.facts import any_address, cgroup, egress, links, pool, process, ruleset, translated
from hosttune.facts.kinds import nofile
from hosttune.findings import usage
from hosttune.host import Host, text
from hosttune.model import (
    GroupLimit,
    Machine,
    Pools,
    PortPool,
    Process,
    Program,
    Programs,
    Reading,
    Reason,
    Subject,
    Unknown,
    Use,
    Workload,
)
from hosttune.model.filtering import Packet, Ruleset
from hosttune.profile import clouds as providers
from hosttune.programs import knowledge

_FEW = 128  # gc_thresh1 by default: so few neighbours are never in the way, and need no question about routes


def capacity_facts(
    host: Host,
    machine: Machine,
    workload: Workload,
    readings: dict[str, Reading],
    survey: pool.Survey | None,
    pools: tuple[PortPool, ...],
    programs: Programs,
    counted: Mapping[str, int],
) -> CapacityFacts:
    """Return the facts of this host for this workload; what is unknown is None or Unknown.

    `pools` are those of the survey, `counted` is what the kernel counts now, by the names of facts/counters.py.
    """
    binding = _binding(readings, programs)
    pids = _pids(host, programs, machine) if machine.kernel else []
    running = process.gather(host, pids)
    binding = _of_worker(host, binding, running)
    peers = {b.address for b in workload.backends}
    ways = survey.routes if survey else {}
    allowance, exceeded = _allowance(host, machine)
    facts = CapacityFacts(
        readings=readings,
        pools=pools,
        workload=workload,
        machine=machine,
        nofile=binding,
        program=_program(binding) if binding else "",
        raises_nofile=programs.unit_raises and binding is not None and binding.subject.name == f"unit/{programs.unit}",
        files_open=counted.get("files.open"),
        tracked=counted.get("conntrack.count"),
        wide=_wide(survey, readings)(kernel.PROT_SOCK) if survey else (),
        widened=_wide(survey, readings) if survey else None,
        process=running,
        sockets_open=counted.get("sockstat.TCP.alloc"),
        threads=counted.get("tasks"),
        neighbours=counted.get("arp_cache.entries"),
        on_link=links.on_link(host, workload.backends, ways) if len(peers) > _FEW else len(peers),
        groups=_groups(host, pids, machine),
        clouds=providers.every() if machine.cloud else (),
        allowance=allowance,
        exceeded=exceeded,
        configuration=programs.configuration,
        routed=survey.routed if survey else {},
        multipath=_multipath(host, machine),
        forwarding=_forwarding(host) if workload.forwards and machine.kernel else (),
    )
    facts = dataclasses.replace(_filtered(host, facts, ways, _sources(machine, survey)), beside=_beside(survey))
    return dataclasses.replace(facts, programs=knowledge.of(facts.program_name, facts.dialler))


def _forwarding(host: Host) -> tuple[str, ...]:
    """Return the interfaces that forward, whatever net.ipv4.ip_forward says (IN_DEV_FORWARD, inetdevice.h)."""
    switches = {path.split("/")[-2]: path for path in host.glob("/proc/sys/net/ipv4/conf/*/forwarding")}
    apart = sorted(switches.keys() - {"all", "default", "lo"})
    return tuple(name for name in apart if text(host, switches[name]).strip() == "1")


def _beside(survey: pool.Survey | None) -> dict[Packet, int]:
    """Return the open connections of other sources towards the backends, as rules met the first packet of each."""
    found = survey.beside.items() if survey else ()
    return {Packet(source, goal.address, goal.port, enters=""): count for (source, goal), count in found}


def _sources(machine: Machine, survey: pool.Survey | None) -> Collection[str]:
    """Return the addresses that the workload's connections come from: any of the host where none is known."""
    sources = {bare(source) for source, _ in survey.pairs} if survey else set()
    return sources if sources and not sources & any_address.ANY else machine.addresses


def _filtered(host: Host, facts: CapacityFacts, ways: Mapping[str, Any], own: Collection[str]) -> CapacityFacts:
    """Add what the packet filter does, and what has to be known beside its rules where they do anything.

    `own` are the addresses that the workload's connections come from.
    """
    machine, goals = facts.machine, facts.workload.backends
    if not machine.kernel or not text(host, "/proc/sys/net/netfilter/nf_conntrack_count"):
        return facts  # without conntrack nothing is translated, or counted
    rules = ruleset.gather(host)
    if not isinstance(rules, Ruleset) or not (rules.translations or rules.counts):
        return dataclasses.replace(facts, ruleset=rules)
    return dataclasses.replace(
        facts,
        ruleset=rules,
        egress=egress.gather(host, goals, ways),
        translated=translated.gather(host, rules, goals, own),
    )


def uses(facts: CapacityFacts, counted: Mapping[str, int]) -> tuple[Use, ...]:
    """Return how full each limit is that the facts have, the nearest to its end first."""
    process, limit = facts.process, facts.nofile.runtime if facts.nofile else None
    soft = limit[0] if isinstance(limit, tuple) else limit
    programs = []
    if process and isinstance(process.descriptors, int) and isinstance(soft, int):
        programs = [Program(process.pid, process.name or "process", 0, process.descriptors, soft, None)]
    limits = {reading.subject.name: reading.runtime for reading in facts.readings.values()}
    return usage.uses(counted, limits, pools=Pools(facts.pools), programs=programs, groups=facts.groups)


def _of_worker(host: Host, binding: Reading | None, running: Process | None) -> Reading | None:
    """Return the reading with the limits of the process that carries the connections, where that is another.

    A master of workers has limits of its own: nginx gives its workers others with worker_rlimit_nofile.
    """
    if binding is None or running is None or binding.subject.name == f"pid/{running.pid}":
        return binding
    if isinstance(binding.runtime, Unknown) or binding.subject.name.startswith("login/"):
        return binding
    runtime = nofile.reading(host, Subject("nofile", f"pid/{running.pid}")).runtime
    return binding if isinstance(runtime, Unknown) else dataclasses.replace(binding, runtime=runtime)


def _wide(survey: pool.Survey, readings: dict[str, Reading]) -> Callable[..., tuple[PortPool, ...]]:
    """Return what gives the pools of a range: of one to the last port as far as an ordinary program may have it."""
    last = kernel.LAST_PORT
    start = readings["sysctl:net.ipv4.ip_unprivileged_port_start"].runtime
    first = max(start, kernel.PROT_SOCK) if isinstance(start, int) else kernel.PROT_SOCK

    def of(low: int, high: int = 0) -> tuple[PortPool, ...]:
        return survey.carried(low, high) if high else survey.carried(min(survey.settings.low, max(first, low)), last)

    return of


def _pids(host: Host, programs: Programs, machine: Machine) -> list[int]:
    if programs.pid is not None:
        return [programs.pid]
    return nofile.processes(host, programs.unit) if programs.unit and machine.systemd else []


def _groups(host: Host, pids: list[int], machine: Machine) -> tuple[GroupLimit, ...] | Unknown:
    """Return the limits of the program's groups; of our own where we share a container with it."""
    if not machine.kernel or not (pids or machine.container):
        return ()
    return cgroup.limits(host, [str(pids[0]) if pids else "self"])


def _multipath(host: Host, machine: Machine) -> bool:
    """Say whether sockets of MPTCP are seen; where that is not for us to see, they are taken for those of TCP."""
    if not machine.kernel:
        return False
    try:
        return any(host.probe("multipath").values())
    except HostError:
        return False


def _allowance(host: Host, machine: Machine) -> tuple[int | Unknown | None, int]:
    """Return what Amazon's security groups may still track, and what they dropped; only their driver counts it."""
    if machine.cloud != "aws":
        return None, 0
    try:
        answers = host.probe("allowances").values()
    except HostError as error:
        return Unknown(error.reason, error.detail), 0
    dropped = sum(counters.get("conntrack_allowance_exceeded", 0) for counters in answers)
    left = [
        counters["conntrack_allowance_available"] for counters in answers if "conntrack_allowance_available" in counters
    ]
    if not left:
        return Unknown(Reason.ABSENT, "no driver here counts conntrack_allowance_available"), dropped
    # several interfaces of one instance count the same allowance, and not always alike: the least is safe
    return min(left), dropped


def _program(binding: Reading) -> str:
    kind, _, name = binding.subject.name.partition("/")
    return {"pid": f"of process {name}", "login": f"of login {name}"}.get(kind, name)


def _binding(readings: dict[str, Reading], programs: Programs) -> Reading | None:
    """Return the reading that binds the role's program: the process named, else its unit, else the login."""
    names = [f"pid/{programs.pid}", f"unit/{programs.unit}", *(f"login/{user}" for user in programs.users)]
    for name in names:
        reading = readings.get(f"nofile:{name}")
        if reading and not (isinstance(reading.runtime, Unknown) and isinstance(reading.boot, Unknown)):
            return reading
    return None
