"""Gather twice what a diagnosis is decided from: before and after, on one host."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hosttune.diagnosis import Clues
from hosttune.facts import cgroup, counters, tracked, traffic
from hosttune.facts import machine as machines
from hosttune.facts.kinds import sysctl
from hosttune.host import Host
from hosttune.host.recorded import Recorded
from hosttune.model import (
    Bound,
    GroupLimit,
    Program,
    Rates,
    Reason,
    Symptom,
    Traffic,
    Unknown,
)
from hosttune.options import Options
from hosttune.programs import knowledge
from hosttune.workflows import destinations, examine, loading, named_processes

_SHORTEST = 0.3
"""Seconds between the two gatherings at least: counters of the kernel are exact, hundredths of a second of CPU not."""

_GROUPS = 8  # programs whose control groups are looked at


@dataclass(frozen=True, slots=True)
class Twice:
    """A host at two moments; `wait` sleeps until so many seconds lie between them, where time still passes there."""

    first: Host
    second: Host
    wait: Callable[[float], None]


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
    watched = named_processes.pids(first, options)
    goals = destinations.named(first, options)
    earlier = traffic.listed(traffic.programs(first, watched, Unknown(Reason.UNDECIDED)))
    groups_earlier = groups(first, earlier)
    held = sysctl.limits(first)
    bounds = _bounds(first, options)
    hosts.wait(interval)
    host = hosts.second
    seen = traffic.gather(host, before)
    counted = destinations.pools(host, goals, seen)
    programs = traffic.programs(host, watched, seen.traffic)
    hosts.wait(max(interval, _SHORTEST))
    now = counters.gather(host, machine.cloud)
    running = traffic.listed(programs)
    return Clues(
        machine=machine,
        symptom=symptom,
        rates=Rates(before, now),
        limits=held,
        traffic=seen.traffic,
        pools=counted,
        programs=running,
        earlier=earlier,
        named=watched is not None,
        owners=programs.owners if not isinstance(programs, Unknown) else {},
        groups=groups(host, running),
        groups_earlier=groups_earlier if isinstance(groups_earlier, tuple) else (),
        log=traffic.kernel_log(host),
        bounds=bounds,
        backends=goals.backends,
        sources=goals.sources,
        bind_mode=goals.mode,
        rate=options.rate or 0,
        notes=(
            *limited(seen.traffic),
            *_absent(host, watched, running),
            *_ended(host, watched, earlier, running),
        ),
        tracked=tracked.gather(host, now, held),
        known=knowledge.of(*(program.name for program in running), *(hit.program for hit in symptom.hits)),
    )


def _absent(host: Host, pids: Sequence[int] | None, programs: Sequence[Program]) -> tuple[str, ...]:
    """Return which of the processes that were named a snapshot has not got."""
    missing = sorted(set(pids or ()) - {program.pid for program in programs}) if isinstance(host, Recorded) else []
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
    now = {program.pid for program in programs}
    return tuple(
        f"{program} ended while it was looked at: nothing is said of it"
        for program in earlier
        if program.pid not in now
    )


def limited(traffic: Traffic | Unknown) -> tuple[str, ...]:
    """Return what the kernel does not show of the sockets, if anything."""
    return (traffic.limited,) if isinstance(traffic, Traffic) and traffic.limited else ()


def groups(host: Host, programs: Sequence[Program]) -> tuple[GroupLimit, ...] | Unknown:
    """Return the limits of the control groups of the first programs, each once."""
    return cgroup.limits(host, [str(program.pid) for program in programs[:_GROUPS]])


def _bounds(host: Host, options: Options) -> tuple[Bound, ...]:
    """Return the bounds of the role that was named, none without one."""
    if not (options.role or options.profile):
        return ()
    loaded = loading.load(host, options)
    return examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "").bounds
