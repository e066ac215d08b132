"""Gather twice what a diagnosis is decided from: before and after, on one host."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hosttune import printable
from hosttune.diagnosis import Clues
from hosttune.diagnosis.rules import port_taken
from hosttune.facts import cgroup, counters, ipvs, port_users, ruleset, tracked, traffic, translated, watching, where
from hosttune.facts import machine as machines
from hosttune.facts.kinds import sysctl
from hosttune.host import Host
from hosttune.host.recorded import Recorded, Recording
from hosttune.model import (
    Backend,
    Bound,
    GroupLimit,
    Program,
    Rates,
    Reason,
    Sample,
    Symptom,
    Tracked,
    Traffic,
    Unknown,
)
from hosttune.model.filtering import Ruleset, Translated
from hosttune.options import Options
from hosttune.profile import clouds as providers
from hosttune.programs import knowledge
from hosttune.watching import counted
from hosttune.workflows import destinations, examine, finding, loading, named_processes, own_limits, telling

_SHORTEST = 0.3
"""Seconds between the two gatherings at least: counters of the kernel are exact, hundredths of a second of CPU not."""

_GROUPS = 8  # programs whose control groups are looked at


@dataclass(frozen=True, slots=True)
class Twice:
    """A host at two moments; `wait` sleeps until so many seconds lie between them, where time still passes there.

    It takes what says what came of it so far, and returns why it ended before, "" where it did not. `now` answers
    beside both, and nothing of it is kept.
    """

    first: Host
    second: Host
    wait: Callable[[float, Callable[[], str]], str]
    now: Host


def moments(host: Host) -> Twice:
    """Return a host at two moments: of a recording those that it has, else the second comes when the time is over."""
    if isinstance(host, Recorded):
        return Twice(host, host.again or host, lambda *_: "", host)
    return live(host, host)


def live(first: Host, second: Host) -> Twice:
    """Return a host that answers now, by two names."""
    start, ended = time.monotonic(), ""

    def wait(seconds: float, note: Callable[[], str]) -> str:
        nonlocal ended
        if not ended and not telling.wait(start + seconds, f"watching {seconds:g} s", note):
            ended = f"interrupted after {time.monotonic() - start:,.1f} s of {seconds:g} s"
        time.sleep(max(start + min(seconds, _SHORTEST) - time.monotonic(), 0.0))
        return ended

    return Twice(first, second, wait, first.inner if isinstance(first, Recording) else first)


def _moved(host: Host, before: Sample) -> Callable[[], str]:
    """Return what says how many counters of trouble have risen since."""

    def note() -> str:
        now = counters.gather(host).counters
        risen = sum(now.get(name, 0) > before.counters.get(name, 0) for name in counted.TROUBLE)
        return f"{risen} counter{'s' * (risen != 1)} of drops and retransmits {'has' if risen == 1 else 'have'} moved"

    return note


def clues(
    hosts: Twice, options: Options, symptom: Symptom, interval: float = 0.0, came: where.Came = where.HERE
) -> Clues:
    """Gather everything of two moments; what cannot be read is Unknown and stops nothing. Raises UsageError.

    `came` is how this run came to where it looks from.
    """
    first = hosts.first
    machine = machines.gather(first)
    before = counters.gather(first, machine.cloud)
    watched = named_processes.pids(first, options)
    goals = destinations.named(first, options)
    earlier = traffic.listed(traffic.programs(first, watched, Unknown(Reason.UNDECIDED)))
    groups_earlier = groups(first, earlier)
    held = sysctl.limits(first, (*sysctl.KEYS, *sysctl.ALIKE))
    bounds, accepts = _role(first, options)
    configured = own_limits.configuration(hosts.second if interval else first, options, watched)
    hosts.wait(interval, note := _moved(hosts.now, before))
    host = hosts.second
    seen = traffic.gather(host, before)
    pools = destinations.pools(host, goals, seen)
    programs = traffic.programs(host, watched, seen.traffic)
    ended = hosts.wait(max(interval, _SHORTEST), note)
    now = counters.gather(host, machine.cloud)
    running = _kept(host, traffic.listed(programs))
    entries = tracked.gather(host, now, held)
    rules = ruleset.gather(host) if now.counters.get("conntrack.count") is not None else None
    return Clues(
        machine=machine,
        symptom=symptom,
        rates=Rates(before, now),
        limits=held,
        traffic=seen.traffic,
        pools=pools,
        programs=running,
        earlier=earlier,
        named=watched is not None,
        owners=programs.owners if not isinstance(programs, Unknown) else {},
        groups=groups(host, running),
        groups_earlier=groups_earlier if isinstance(groups_earlier, tuple) else (),
        log=traffic.kernel_log(host),
        bounds=bounds,
        backends=goals.backends,
        accepts=accepts and not goals.backends,
        network=where.network(host),
        files=printable.words(word for path in options.backends_from for word in ("--backends-from", path)),
        sources=goals.sources,
        bind_mode=goals.mode,
        rate=options.rate or 0,
        configuration=configured,
        carried=own_limits.carried(host, machine, configured, watched, running),
        notes=(
            *([f"{ended}: what came later is not in it"] if ended else ()),
            *limited(seen.traffic),
            *_absent(host, watched, running),
            *_ended(host, watched, earlier, running),
        ),
        tracked=entries,
        clouds=providers.every(),
        port_users=port_users.gather(host, port_taken.port_of(symptom), seen.ports),
        ipvs=ipvs.gather(host),
        addresses=examine.with_addresses(first, machine).addresses,
        ruleset=rules,
        where=where.gather(host, machine, came),
        translated=_translated(host, rules, entries),
        watching=watching.gather(host) if _met(symptom, "inotify", "EMFILE", "ENOSPC") else None,
        mappings=_mappings(host, running) if _met(symptom, "map-count", "ENOMEM", "EAGAIN") else {},
        known=knowledge.of(
            *(program.name for program in running),
            *(hit.program for hit in symptom.hits),
            configured.program if configured else "",
        ),
    )


def _met(symptom: Symptom, kind: str, *errnos: str) -> bool:
    """Say whether a symptom is a sign of a kind of cause, or has one of its errnos: only then is the look worth it."""
    met = {symptom.errno, *(hit.errno for hit in symptom.hits)}
    return not met.isdisjoint(errnos) or any(kind in hit.causes for hit in symptom.hits)


def _mappings(host: Host, programs: Sequence[Program]) -> Mapping[int, int]:
    """Return the mappings of the first programs."""
    return watching.mappings(host, [program.pid for program in programs[:_GROUPS]])


def _translated(
    host: Host, rules: Ruleset | Unknown | None, entries: Tracked | Unknown | None
) -> tuple[Translated, ...] | Unknown:
    """Return the ports of NAT in use towards the destinations of what a sample of the table shows translated."""
    shared = entries.shared if isinstance(entries, Tracked) else ()
    return translated.gather(host, rules, [Backend(share.target, share.port) for share in shared], ())


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
    return tuple(f"{program} ended while it was read: not checked" for program in earlier if program.pid not in now)


def limited(traffic: Traffic | Unknown) -> tuple[str, ...]:
    """Return what the kernel does not show of the sockets, if anything."""
    return (traffic.limited,) if isinstance(traffic, Traffic) and traffic.limited else ()


def _kept(host: Host, programs: Sequence[Program]) -> tuple[Program, ...]:
    """Return the programs, the first of them with who keeps them."""
    first = (dataclasses.replace(p, owner=where.kept_by(host, p.pid)) for p in programs[:_GROUPS])
    return (*first, *programs[_GROUPS:])


def groups(host: Host, programs: Sequence[Program]) -> tuple[GroupLimit, ...] | Unknown:
    """Return the limits of the control groups of the first programs, each once."""
    return cgroup.limits(host, [str(program.pid) for program in programs[:_GROUPS]])


def _role(host: Host, options: Options) -> tuple[tuple[Bound, ...], bool]:
    """Return the bounds of the role that was named, none without one, and whether it opens no connections itself."""
    if not (options.role or options.profile):
        return (), False
    loaded = loading.load(host, options, search=finding.Search(options))
    bounds = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "").bounds
    return bounds, not loaded.workload.tuples_per_connection
