"""Gather twice what a diagnosis is decided from: before and after, on one host."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hosttune.diagnosis import Clues
from hosttune.errors import HostError, UsageError
from hosttune.facts import backends, cgroup, counters, found, pool, process, tracked, traffic
from hosttune.facts import machine as machines
from hosttune.facts.kinds import nofile, sysctl
from hosttune.host import Host
from hosttune.host.recorded import Recorded
from hosttune.model import (
    Backend,
    BindMode,
    Bound,
    GroupLimit,
    Pools,
    Program,
    Rates,
    Reason,
    Sample,
    Symptom,
    Traffic,
    Unknown,
)
from hosttune.options import Options
from hosttune.programs import knowledge
from hosttune.workflows import examine, loading

_SHORTEST = 0.3
"""Seconds between the two gatherings at least: counters of the kernel are exact, hundredths of a second of CPU not."""

_GROUPS = 8  # programs whose control groups are looked at


@dataclass(frozen=True, slots=True)
class Twice:
    """A host at two moments; `wait` sleeps until so many seconds lie between them, where time still passes there."""

    first: Host
    second: Host
    wait: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Named:
    """The destinations that a person named; `mode` None: not said, `ports` the range that the program chooses from."""

    backends: tuple[Backend, ...]
    sources: tuple[str, ...]
    mode: BindMode | None
    ports: tuple[int, int] | None


def moments(host: Host) -> Twice:
    """Return a host at two moments: of a recording those that it has, else the second comes when the time is over."""
    if isinstance(host, Recorded):
        return Twice(host, host.again or host, lambda _: None)
    return live(host, host)


def live(first: Host, second: Host) -> Twice:
    """Return a host that answers now, by two names."""
    start = time.monotonic()

    def wait(seconds: float) -> None:
        time.sleep(max(start + seconds - time.monotonic(), 0.0))

    return Twice(first, second, wait)


def clues(hosts: Twice, options: Options, symptom: Symptom, interval: float = 0.0) -> Clues:
    """Gather everything of two moments; what cannot be read is Unknown and stops nothing. Raises UsageError."""
    first = hosts.first
    machine = machines.gather(first)
    before = counters.gather(first, machine.cloud)
    watched = pids(first, options)
    goals = named(first, options)
    earlier = _programs(traffic.programs(first, watched, Unknown(Reason.UNDECIDED)))
    groups_earlier = groups(first, earlier)
    held = sysctl.limits(first)
    bounds = _bounds(first, options)
    hosts.wait(interval)
    host = hosts.second
    seen = traffic.gather(host, before)
    counted = pools(host, goals, seen)
    programs = traffic.programs(host, watched, seen.traffic)
    hosts.wait(max(interval, _SHORTEST))
    now = counters.gather(host, machine.cloud)
    found_now = _programs(programs)
    return Clues(
        machine=machine,
        symptom=symptom,
        rates=Rates(before, now),
        limits=held,
        traffic=seen.traffic,
        pools=counted,
        programs=found_now,
        earlier=earlier,
        named=watched is not None,
        owners=programs.owners if not isinstance(programs, Unknown) else {},
        groups=groups(host, found_now),
        groups_earlier=groups_earlier if isinstance(groups_earlier, tuple) else (),
        log=traffic.kernel_log(host),
        bounds=bounds,
        backends=goals.backends,
        sources=goals.sources,
        bind_mode=goals.mode,
        rate=options.rate or 0,
        notes=(*limited(seen.traffic), *_absent(host, watched, found_now), *_ended(host, watched, earlier, found_now)),
        tracked=tracked.gather(host, now, held),
        known=knowledge.of(*(program.name for program in found_now), *(hit.program for hit in symptom.hits)),
    )


def limited(seen: Traffic | Unknown) -> tuple[str, ...]:
    """Return what the kernel does not show of the sockets, if anything."""
    return (seen.limited,) if isinstance(seen, Traffic) and seen.limited else ()


def pids(host: Host, options: Options) -> list[int] | None:
    """Return the processes of what was named, its workers too; None where nothing was."""
    if options.service:
        pids = nofile.processes(host, options.service)
        if not pids:
            recorded = isinstance(host, Recorded)
            why = "the snapshot has no process of it" if recorded else "no process of it runs here"
            look = (
                "--process-name finds those that it has"
                if recorded
                else f"`systemctl status {options.service}` shows why"
            )
            raise UsageError(f"--service {options.service}: {why}; {look}")
        return pids
    if isinstance(host, Recorded):
        return _recorded_pids(host, options)
    pid = process.by_name(host, options.process_name) if options.process_name else options.pid
    if pid is None:
        return None
    try:
        workers = [int(row["pid"]) for row in host.probe("workers", pids=[pid])]
    except HostError:
        workers = []
    return sorted({pid, *workers})


def _recorded_pids(host: Recorded, options: Options) -> list[int] | None:
    """Return the same of a snapshot, which has the processes that held the most; its workers are those of one name."""
    if not options.process_name and options.pid is None:
        return None
    moments = [host, *([host.again] if host.again else [])]
    # what was there at the second moment only has begun meanwhile
    held = [one for moment in moments for one in _recorded_programs(moment)]
    name = next((one.name for one in held if one.pid == options.pid), options.process_name)
    pids = sorted({one.pid for one in held if one.name == name})
    if not pids and options.process_name:
        raise UsageError(f"--process-name {name}: the snapshot has none; it keeps those that held the most descriptors")
    return pids or [options.pid or 0]


def _recorded_programs(host: Recorded) -> tuple[Program, ...]:
    """Return the processes of one moment of a snapshot, which asked for them with the listeners that it had seen."""
    seen = traffic.gather(host, Sample(0.0, {})).traffic
    for known in (Unknown(Reason.UNDECIDED), seen):
        found = _programs(traffic.programs(host, None, known))
        if found:
            return found
    return ()


def named(host: Host, options: Options) -> Named:
    """Read the destinations that were named, by options or by a configuration; raises UsageError."""
    if options.backends_from:
        load = loading.load(host, dataclasses.replace(options, role=(), profile=())).workload
        return Named(load.backends, load.sources, load.bind_mode, load.bind_range)
    mode, ports = backends.parse_bind_mode(options.bind_mode) if options.bind_mode else (None, None)
    targets = tuple(backends.parse(host, text) for text in options.backend)
    return Named(targets, backends.parse_sources(list(options.source)), mode, ports)


def pools(host: Host, goals: Named, seen: traffic.Seen) -> Pools:
    """Return the pools of what was named; else those that the socket table shows, in the mode that it tells."""
    asked = _surveyed(host, goals, goals.mode) if goals.backends and goals.mode else Pools()
    if asked.pools:
        return asked
    shown = asked
    if isinstance(seen.traffic, Traffic):
        only = () if goals.sources == ("all",) else goals.sources
        shown = found.gather(host, seen.traffic.flows, goals.backends, only, seen.ports)
        shown = dataclasses.replace(shown, notes=(*asked.notes, *shown.notes))
    pairs = {(one.source, one.backend.address, one.backend.port) for one in shown.pools}
    missing = {(b.address, b.port) for b in goals.backends} - {pair[1:] for pair in pairs}
    if not missing and not (goals.backends and goals.sources):
        return shown
    idle = _surveyed(host, goals, BindMode.CONNECT)
    rest = tuple(p for p in idle.pools if (p.source, p.backend.address, p.backend.port) not in pairs)
    return dataclasses.replace(shown, pools=(*shown.pools, *rest), notes=(*shown.notes, *idle.notes))


def _surveyed(host: Host, goals: Named, mode: BindMode) -> Pools:
    try:
        counted, notes = pool.pools(host, goals.backends, goals.sources, mode, goals.ports)
    except HostError as error:
        return Pools(notes=(f"the port pools could not be counted: {error}",))
    return Pools(counted, notes=notes)


def _programs(answer: traffic.Programs | Unknown) -> tuple[Program, ...]:
    return () if isinstance(answer, Unknown) else answer.programs


def _absent(host: Host, pids: Sequence[int] | None, programs: Sequence[Program]) -> tuple[str, ...]:
    """Return which of the processes that were named a snapshot has not got."""
    missing = sorted(set(pids or ()) - {one.pid for one in programs}) if isinstance(host, Recorded) else []
    if not missing:
        return ()
    who = ", ".join(map(str, missing))
    return (f"the snapshot has no process {who}: it keeps those that held the most descriptors",)


def _ended(
    host: Host, pids: Sequence[int] | None, earlier: Sequence[Program], programs: Sequence[Program]
) -> tuple[str, ...]:
    """Return which of the processes that were named ended between the two moments of a host that answers now."""
    if isinstance(host, Recorded) or pids is None:
        return ()
    now = {one.pid for one in programs}
    return tuple(f"{one} ended while it was looked at: nothing is said of it" for one in earlier if one.pid not in now)


def groups(host: Host, programs: Sequence[Program]) -> tuple[GroupLimit, ...] | Unknown:
    """Return the limits of the control groups of the first programs, each once."""
    limits_found: dict[str, GroupLimit] = {}
    why: Unknown | None = None
    for program in programs[:_GROUPS]:
        try:
            for limit in cgroup.gather(host, str(program.pid)):
                limits_found[limit.file] = limit
        except HostError as error:
            why = None if error.reason is Reason.ABSENT else Unknown(error.reason, error.detail)
    return tuple(limits_found.values()) or why or ()


def _bounds(host: Host, options: Options) -> tuple[Bound, ...]:
    """Return the bounds of the role that was named, none without one."""
    if not (options.role or options.profile):
        return ()
    loaded = loading.load(host, options)
    return examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "").bounds
