"""The destinations that the options name, and the port pools towards them and towards those that are observed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hosttune.errors import HostError
from hosttune.facts import backends, caller, flow_pools, pool, traffic
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Caller, Pools, Traffic
from hosttune.options import Options
from hosttune.workflows import loading


@dataclass(frozen=True, slots=True)
class Destinations:
    """The destinations that a person named; `mode` None: not given, `ports` the range that the program chooses from."""

    backends: tuple[Backend, ...]
    sources: tuple[str, ...]
    mode: BindMode | None
    ports: tuple[int, int] | None
    caller: Caller = pool.NOBODY


def named(host: Host, options: Options) -> Destinations:
    """Read the destinations that were named, by options or by a configuration; raises UsageError."""
    if options.backends_from:
        load = loading.load(host, dataclasses.replace(options, role=(), profile=())).workload
        return Destinations(load.backends, load.sources, load.bind_mode, load.bind_range, load.caller)
    mode, ports = backends.parse_bind_mode(options.bind_mode) if options.bind_mode else (None, None)
    targets = tuple(backends.parse(host, text, device=options.device) for text in options.backend)
    given = Caller(mark=options.mark, device=options.device or None)
    pids = (options.pid,) if options.pid is not None else ()
    who = caller.Program(pids, (*options.user, "")[0])
    known = caller.gather(host, given, lambda: who, targets) if targets else given
    return Destinations(targets, backends.parse_sources(list(options.source)), mode, ports, known)


def pools(host: Host, goals: Destinations, seen: traffic.Seen) -> Pools:
    """Return the pools of what was named; else those of the socket table, in the mode that it shows."""
    asked = _surveyed(host, goals, goals.mode) if goals.backends and goals.mode else Pools()
    if asked.pools:
        return asked
    shown = asked
    if isinstance(seen.traffic, Traffic):
        only = () if goals.sources == ("all",) else goals.sources
        shown = flow_pools.gather(host, seen.traffic.flows, goals.backends, only, seen.ports)
        shown = dataclasses.replace(shown, notes=(*asked.notes, *shown.notes))
    pairs = {(p.source, p.backend.address, p.backend.port) for p in shown.pools}
    missing = {(b.address, b.port) for b in goals.backends} - {pair[1:] for pair in pairs}
    if not missing and not (goals.backends and goals.sources):
        return shown
    idle = _surveyed(host, goals, BindMode.CONNECT)
    rest = tuple(p for p in idle.pools if (p.source, p.backend.address, p.backend.port) not in pairs)
    return dataclasses.replace(shown, pools=(*shown.pools, *rest), notes=(*shown.notes, *idle.notes))


def _surveyed(host: Host, goals: Destinations, mode: BindMode) -> Pools:
    counted, notes = survey(host, goals.backends, goals.sources, mode, goals.ports, goals.caller)
    return Pools(counted.pools() if counted else (), notes=notes)


def survey(
    host: Host,
    backends: tuple[Backend, ...],
    sources: tuple[str, ...],
    mode: BindMode,
    ports: tuple[int, int] | None,
    caller: Caller = pool.NOBODY,
) -> tuple[pool.Survey | None, tuple[str, ...]]:
    """Look at the sockets towards the backends; nothing, and why, where they could not be counted."""
    if not backends:
        return None, ()
    try:
        counted = pool.survey(host, backends, sources, mode, ports, caller)
    except HostError as error:
        return None, (f"source ports are not counted: {error}",)
    return counted, counted.notes
