"""Port pools of the destinations that the socket table itself shows, and how their ports were bound.

The rules are those of net/ipv4/inet_hashtables.c: connect() looks at ports of the parity of the range's lower end
first, bind() to port 0 at the others first, and without IP_BIND_ADDRESS_NO_PORT or SO_REUSEADDR no port that bind()
chose is used towards two destinations.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hosttune.errors import HostError
from hosttune.facts import pool
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Flow, Pools
from hosttune.ports import span

_MOST = 16  # destinations: the dump asks for each of them
_FEWEST = 8  # sockets of a source: with fewer nothing can be told
_SURE = 12.0
"""Ports that two destinations would share by chance: with so many, none is no chance (e to the power of -12)."""


def gather(host: Host, flows: Sequence[Flow]) -> Pools:
    """Return the pools of the busiest destinations; none, and why, where they cannot be counted."""
    backends = tuple(dict.fromkeys(Backend(f.address, f.port) for f in flows))[:_MOST]
    if not backends:
        return Pools()
    try:
        settings = pool.read_settings(host)
        answer = host.probe("sockets", backends=[[b.address, b.port] for b in backends], whole=False)
    except HostError as error:
        return Pools(notes=(f"the port pools could not be counted: {error}",))
    rows: dict[str, dict[Backend, Mapping[str, Any]]] = defaultdict(dict)
    for row in answer["tuples"]:
        rows[row["source"]][Backend(row["address"], row["port"])] = row
    modes = {source: mode_of(settings, _used(found)) for source, found in rows.items()}
    held = _held(answer["held"])
    held += tuple(
        pool.Held(source, port, listen=False, v6only=False)
        for source, (mode, _, _) in modes.items()
        if mode in (BindMode.BIND, BindMode.EXPLICIT)
        for port in _bits(_all(rows[source]) & span(settings.low, settings.high))
    )
    pools = []
    for source, found in rows.items():
        mode, _, own = modes[source]
        if mode is BindMode.EXPLICIT:
            settings_of = dataclasses.replace(settings, low=own[0], high=own[1], reserved=0, chosen=True)
        else:
            settings_of = settings
        others = tuple(h for h in held if h.address != source or h.listen)
        whole = _all(found)
        for backend, row in found.items():
            used = pool.used_of(row, whole)
            pools.append(pool.compute(source, backend, mode or BindMode.CONNECT, settings_of, others, used))
    return Pools(tuple(pools), {source: why for source, (_, why, _) in modes.items()})


def mode_of(
    settings: pool.Settings, destinations: Mapping[Backend, int]
) -> tuple[BindMode | None, str, tuple[int, int]]:
    """Return how the sockets of a source got their ports, how that is known, and the range that they lie in.

    `destinations` are the ports in use towards each. None where nothing tells; then connect() is the likeliest.
    """
    sets = [ports for ports in destinations.values() if ports]
    union = 0
    for ports in sets:
        union |= ports
    total, distinct = sum(ports.bit_count() for ports in sets), union.bit_count()
    if total < _FEWEST:
        return None, f"{total} sockets are too few to tell", (0, 0)
    reach = span(settings.low, settings.high)
    outside = (union & ~reach).bit_count()
    if outside > distinct // 2:
        low, high = (union & -union).bit_length() - 1, union.bit_length() - 1
        why = (
            f"{outside:,} of {distinct:,} ports lie outside of {settings.low}-{settings.high}: the program chooses them"
        )
        return BindMode.EXPLICIT, why, (low, high)
    if total > distinct:
        shared = (
            f"{total - distinct:,} ports are used towards two destinations, which a port that bind() chose cannot be"
        )
        return BindMode.CONNECT, shared, (0, 0)
    expected = _expected([ports.bit_count() for ports in sets], reach.bit_count())
    if expected >= _SURE:
        why = f"none of {distinct:,} ports is used towards two of {len(sets)} destinations: bind() chose them"
        return BindMode.BIND, why, (0, 0)
    return _by_parity(settings, union)


def _by_parity(settings: pool.Settings, union: int) -> tuple[BindMode | None, str, tuple[int, int]]:
    even = sum(1 << port for port in range(settings.low, settings.high + 1, 2))
    first = (union & even).bit_count()
    distinct = union.bit_count()
    if first == distinct:
        return BindMode.CONNECT, f"all {distinct:,} ports have the parity that connect() takes first", (0, 0)
    if not first:
        return BindMode.BIND, f"all {distinct:,} ports have the parity that bind() takes first", (0, 0)
    return None, "nothing tells connect() from bind() here", (0, 0)


def _expected(counts: Sequence[int], size: int) -> float:
    """Return how many ports two destinations would share if each had taken its own at random from the range."""
    total = sum(counts)
    return (total * total - sum(n * n for n in counts)) / 2 / size if size else 0.0


def _used(found: Mapping[Backend, Mapping[str, Any]]) -> dict[Backend, int]:
    return {backend: _ports(row) for backend, row in found.items()}


def _ports(row: Mapping[str, Any]) -> int:
    return int(row["established"], 16) | int(row["time_wait"], 16) | int(row["other"], 16)


def _all(found: Mapping[Backend, Mapping[str, Any]]) -> int:
    union = 0
    for row in found.values():
        union |= _ports(row)
    return union


def _held(rows: Sequence[Mapping[str, Any]]) -> tuple[pool.Held, ...]:
    return tuple(pool.Held(h["address"], h["port"], h["listen"], h["v6only"]) for h in rows)


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
