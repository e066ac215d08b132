"""Port pools of the destinations that the socket table itself shows, with the bind mode that its ports show."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from hosttune.errors import HostError
from hosttune.facts import bind_mode, holders, pool, reuse
from hosttune.facts.bind_mode import Binding, Pair
from hosttune.facts.held import Held
from hosttune.facts.holders import Asked
from hosttune.facts.reuse import Waiting
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Flow, Pools, PortPool, Reason
from hosttune.ports import span

_MOST = 16  # destinations: the dump asks for each of them
_CONNECTS = (None, BindMode.CONNECT, BindMode.NO_PORT)
_BINDS = (BindMode.BIND, BindMode.EXPLICIT)
_PAIRS = 100  # of source and destination: each is held against each


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    """What one look at the sockets gave: rows and ports in use by pair, and what binds of them are known to own."""

    settings: pool.Settings
    rows: Mapping[Pair, Mapping[str, Any]]
    ports: Mapping[Pair, int]
    held: tuple[Held, ...]
    local: Mapping[str, int]
    stamps: Mapping[str, bool] = dataclasses.field(default_factory=dict)


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
        return Pools(notes=(f"source ports are not counted: {error}",))
    space = bind_mode.room(table.settings.low, table.settings.high, table.settings.reserved)
    asked = _asked(host, space, table)
    modes = _measured(asked, table.ports, bind_mode.modes(space, _mask(table.held), table.ports))
    table = dataclasses.replace(table, stamps=_stamps(host, table, modes))
    pools, why = [], {}
    for pair in modes:
        if (named and (pair[1].address, pair[1].port) not in named) or (sources and pair[0] not in sources):
            continue
        owners = _owners(space, pair, modes, table.ports, asked)
        owned = bind_mode.union([asked.bound & ~table.ports[pair], *(table.ports[owner] for owner in owners)])
        blocked = owned if modes[pair].mode in _CONNECTS else 0
        pools.append(_pool(table, pair, modes[pair], blocked, asked.bound))
        why[pair] = _why(pair, owners, modes, table.ports)
    unsure = frozenset(pair for pair, how in modes.items() if how.mode is None)
    narrow = frozenset(pair for pair, how in modes.items() if how.mode is BindMode.CONNECT and how.high)
    return Pools(tuple(pools), why, unsure=unsure, narrow=narrow)


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
    held = tuple(Held(h["address"], h["port"], h["listen"], h["v6only"]) for h in answer["held"])
    return _Table(settings, rows, ports, held, local)


def _stamps(host: Host, table: _Table, modes: Mapping[Pair, Binding]) -> Mapping[str, bool]:
    """Ask which destinations with ports in TIME_WAIT have TCP timestamps."""
    used = {pair: pool.used_of(row, 0) for pair, row in table.rows.items()}
    waiting = [(pair, Waiting(of.time_wait, of.half_closed)) for pair, of in used.items() if of.time_wait]
    ways = {how.mode or BindMode.CONNECT for how in modes.values()}
    return reuse.stamps(host, ways, table.settings.rules, waiting)


def _pool(table: _Table, pair: Pair, how: Binding, owned: int, bound: int) -> PortPool:
    source, backend = pair
    settings = table.settings
    if how.mode is BindMode.EXPLICIT:
        settings = dataclasses.replace(settings, low=how.low, high=how.high, reserved=0, chosen=True)
    elif how.high:
        settings = dataclasses.replace(settings, low=how.low, high=how.high, chosen=True)
    used = dataclasses.replace(pool.used_of(table.rows[pair], table.local[source]), bound=bound)
    stamps = table.stamps.get(backend.address)
    mode = how.mode or BindMode.CONNECT
    return pool.compute(source, backend, mode, settings, table.held, used, owned, stamps=stamps)


def _asked(host: Host, space: bind_mode.Room, table: _Table) -> Asked:
    """Ask the kernel which of the ports of all connections a bind() owns, as far as it chooses from them."""
    every = bind_mode.union([*table.ports.values(), *table.local.values()])
    return holders.ask(host, {}, every, space, _mask(table.held))


def _measured(asked: Asked, ports: Mapping[Pair, int], modes: Mapping[Pair, Binding]) -> dict[Pair, Binding]:
    """Return the modes as the kernel tells them, where it was asked for enough ports of a pair to tell."""
    made = dict(modes)
    for pair, binding in modes.items():
        told, bound = ports[pair] & asked.ports, ports[pair] & asked.bound
        count = told.bit_count()
        if not told or (count < holders.FAIR and told != ports[pair]):
            continue
        if not bound:
            why, low, high = f"connect() chose its {count:,} ports, as the kernel reports", 0, 0
            if binding.mode is BindMode.EXPLICIT:
                low, high = binding.low, binding.high
                why += f"; they lie side by side in {low}-{high}: its program has a range of its own, it seems"
            made[pair] = Binding(BindMode.CONNECT, why, low, high)
        elif bound == told:
            chosen = binding.mode if binding.mode in (BindMode.BIND, BindMode.EXPLICIT) else BindMode.BIND
            why = f"a bind() owns all of its {count:,} ports, as the kernel reports"
            made[pair] = Binding(chosen, why, binding.low, binding.high)
    return made


def _owners(
    space: bind_mode.Room, pair: Pair, modes: Mapping[Pair, Binding], ports: Mapping[Pair, int], asked: Asked
) -> list[Pair]:
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
        known = how.mode is BindMode.BIND or (how.mode in _BINDS and ports[other] & asked.bound)
        if known or (maybe and bind_mode.apart(space, ports[pair], within)):
            owners.append(other)
    return [other for other in owners if ports[other] & span(space.low, space.high)]


def _why(pair: Pair, owners: Sequence[Pair], modes: Mapping[Pair, Binding], ports: Mapping[Pair, int]) -> str:
    """Return what shows the mode of a pair, where anything does, and whose ports a bind() owns."""
    reasons = [modes[pair].why] if modes[pair].mode else []
    for other in owners:
        count, ends = ports[other].bit_count(), f"from {other[0]} to {other[1]}"
        if modes[other].mode:
            reasons.append(f"the {count:,} ports {ends} are bound, and connect() may not use them")
        else:
            reasons.append(f"none of the {count:,} ports {ends} is used here: those of one of the two are bound")
    return "; ".join(reasons)


def _ports(row: Mapping[str, Any]) -> int:
    return bind_mode.union([int(row[name], 16) for name in ("established", "time_wait", "half_closed", "other")])


def _mask(held: Sequence[Held]) -> int:
    return bind_mode.union([1 << port for port in {bound.port for bound in held}])
