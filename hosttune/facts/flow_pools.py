"""Port pools of the destinations that the socket table itself shows, with the bind mode that its ports show."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from hosttune.errors import HostError
from hosttune.facts import bind_mode, pool
from hosttune.facts.bind_mode import Binding, Pair
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Flow, Pools, PortPool, Reason
from hosttune.ports import span

_MOST = 16  # destinations: the dump asks for each of them
_PAIRS = 100  # of source and destination: each is held against each


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    """What one look at the sockets gave: rows and ports in use by pair, and what binds of them are known to own."""

    settings: pool.Settings
    rows: Mapping[Pair, Mapping[str, Any]]
    ports: Mapping[Pair, int]
    held: tuple[pool.Held, ...]
    local: Mapping[str, int]


def gather(
    host: Host,
    flows: Sequence[Flow],
    backends: Sequence[Backend] = (),
    sources: Sequence[str] = (),
    seen: Mapping[str, Any] | None = None,
) -> Pools:
    """Return the pools of the busiest destinations, or of those that are named; none, and why, where it cannot.

    Others than the named ones are looked at all the same: they show the bind mode. `seen` are the ports in use as the
    look at all sockets gave them; another look is taken where a named destination is not among them.
    """
    named = {(b.address, b.port) for b in backends}
    ranked = sorted(flows, key=lambda flow: (flow.address, flow.port) not in named)
    if not ranked:
        return Pools()
    try:
        try:
            table = _look(host, ranked, None if _lacks(seen, flows, named) else seen)
        except HostError as error:
            if error.reason is not Reason.NOT_RECORDED:
                raise
            table = _look(host, flows, None)  # as a snapshot was asked
    except HostError as error:
        return Pools(notes=(f"the port pools could not be counted: {error}",))
    space = bind_mode.room(table.settings.low, table.settings.high, table.settings.reserved)
    modes = bind_mode.modes(space, _mask(table.held), table.ports)
    pools, why = [], {}
    for pair in modes:
        if (named and (pair[1].address, pair[1].port) not in named) or (sources and pair[0] not in sources):
            continue
        owners = _owners(space, pair, modes, table.ports)
        pools.append(_pool(table, pair, modes[pair], bind_mode.union([table.ports[owner] for owner in owners])))
        why[pair] = _why(pair, owners, modes, table.ports)
    unsure = frozenset(pair for pair, how in modes.items() if how.mode is None)
    return Pools(tuple(pools), why, unsure=unsure)


def _lacks(seen: Mapping[str, Any] | None, flows: Sequence[Flow], named: set[tuple[str, int]]) -> bool:
    """Say whether a named destination that is connected to is not among those of which the ports were kept."""
    there = {(row["address"], row["port"]) for row in seen["tuples"]} if seen else set()
    return bool(({(flow.address, flow.port) for flow in flows} & named) - there)


def _look(host: Host, flows: Sequence[Flow], seen: Mapping[str, Any] | None) -> _Table:
    every = tuple(dict.fromkeys(Backend(flow.address, flow.port) for flow in flows))
    settings = pool.read_settings(host)
    # bind() shares a source's ports among all destinations: where not all of these are asked for, its other ports too
    whole = len(every) > _MOST
    answer = seen or host.probe("sockets", backends=[[b.address, b.port] for b in every[:_MOST]], whole=whole)
    rows = {(row["source"], Backend(row["address"], row["port"])): row for row in answer["tuples"]}
    ports = {pair: _ports(row) for pair, row in rows.items()}
    local: dict[str, int] = {row["address"]: int(row["ports"], 16) for row in answer["local"]}
    for (source, _), used in ports.items():
        local[source] = local.get(source, 0) | used
    held = tuple(pool.Held(h["address"], h["port"], h["listen"], h["v6only"]) for h in answer["held"])
    return _Table(settings, rows, ports, held, local)


def _pool(table: _Table, pair: Pair, how: Binding, owned: int) -> PortPool:
    source, backend = pair
    settings = table.settings
    if how.mode is BindMode.EXPLICIT:
        settings = dataclasses.replace(settings, low=how.low, high=how.high, reserved=0, chosen=True)
    used = pool.used_of(table.rows[pair], table.local[source])
    return pool.compute(source, backend, how.mode or BindMode.CONNECT, settings, table.held, used, owned)


def _owners(space: bind_mode.Room, pair: Pair, modes: Mapping[Pair, Binding], ports: Mapping[Pair, int]) -> list[Pair]:
    """Return the connections whose ports a bind() owns, so that no connect() of this pair can have them.

    Where two sources' ports never meet although the mode of neither is known, one of the two binds.
    """
    mode = modes[pair].mode
    if mode not in (None, BindMode.CONNECT):
        return []
    owners = []
    some = len(modes) <= _PAIRS
    for other, how in modes.items():
        if other == pair or how.mode is BindMode.CONNECT:
            continue
        if other[0] == pair[0] and mode is None and how.mode is not BindMode.EXPLICIT:
            continue  # of one source, the pairs themselves would have shown it
        within = ports[other] & span(space.low, space.high)
        maybe = some and (mode is None or how.mode is BindMode.EXPLICIT)
        if how.mode is BindMode.BIND or (maybe and bind_mode.apart(space, ports[pair], within)):
            owners.append(other)
    return [other for other in owners if ports[other] & span(space.low, space.high)]


def _why(pair: Pair, owners: Sequence[Pair], modes: Mapping[Pair, Binding], ports: Mapping[Pair, int]) -> str:
    """Return what shows the mode of a pair, where anything does, and whose ports a bind() owns."""
    reasons = [modes[pair].why] if modes[pair].mode else []
    for other in owners:
        which = "they are bound" if modes[other].mode else "those of one of the two are bound"
        count = ports[other].bit_count()
        reasons.append(f"none of the {count:,} ports from {other[0]} to {other[1]} is used here: {which}")
    return "; ".join(reasons)


def _ports(row: Mapping[str, Any]) -> int:
    return bind_mode.union([int(row[name], 16) for name in ("established", "time_wait", "half_closed", "other")])


def _mask(held: Sequence[pool.Held]) -> int:
    return bind_mode.union([1 << port for port in {bound.port for bound in held}])
