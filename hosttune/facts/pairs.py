"""Which source address goes with which backend: named, of the configuration, or as routing picks it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hosttune.addresses import is_loopback, needs_zone
from hosttune.errors import UsageError
from hosttune.facts import refusals
from hosttune.facts.refusals import Refusal
from hosttune.facts.routing import Choice, Other, Routing, Way
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Caller, pool_key

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A source address towards a backend; `when` is on what it depends, `refusal` why it carries nothing."""

    source: str
    backend: Backend
    choice: Choice = Choice.ALWAYS
    when: str = ""
    refusal: Refusal | None = None


@dataclass(slots=True)
class Paired:
    """The pairs, notes, and the ways that were asked for, by destination."""

    pairs: list[Pair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ways: dict[str, Way] = field(default_factory=dict)


def paired(host: Host, backends: tuple[Backend, ...], sources: tuple[str, ...], caller: Caller) -> Paired:
    """Pair each source with each backend; where nothing names a source, routing picks it.

    Raises UsageError, and HostError where the host does not answer.
    """
    made = Paired()
    routing = Routing(host, caller, made.notes)
    if sources == ("all",):
        pairs = _every_source(host, backends, routing, made.notes)
        made.pairs = _without_refused(pairs, routing, made.notes)
        return made
    named = [(s, b) for b in backends for s in sources or b.sources if (":" in s) == (":" in b.address)]
    if sources and not named:
        raise UsageError("--source: no address of the backends' family; name one, or leave it to routing")
    routed = [b for b in backends if not sources and not b.sources]
    made.ways = routing.ways(routed) if routed else {}
    others = routing.others(routed, made.ways) if routed else {}
    refused = routing.refused(named)
    for backend in backends:
        if sources or backend.sources:
            mine = (s for s in sources or backend.sources if (":" in s) == (":" in backend.address))
            made.pairs += [Pair(s, backend, refusal=refused.get((s, backend))) for s in mine]
        else:
            key = routing.key(backend)
            made.pairs += _routed(backend, made.ways.get(key, {"source": ""}), others.get(key, {}), routing)
    made.notes += _refusals(made.pairs)
    return made


def _routed(backend: Backend, way: Way, others: Mapping[str, Other], routing: Routing) -> Iterator[Pair]:
    """Yield the sources that routing may pick towards a backend; none, and a note, where it picks none."""
    if way.get("errno") == "ENODEV":
        device = backend.zone or routing.caller.device
        raise UsageError(f"{backend}: no interface {device} here; `ip -br link` lists those there are")
    if needs_zone(backend.address) and not (backend.zone or routing.caller.device):
        yield Pair(way["source"] or "::", backend, refusal=refusals.unzoned(backend))
    elif refusal := refusals.to_many(backend) or refusals.of_none(way, backend):
        yield Pair(way["source"] or _anywhere(backend), backend, refusal=refusal)
    elif not way["source"]:
        error = way.get("error") or "unknown"
        routing.notes.append(f"{backend}: no route: {error}; its ports could not be counted")
    elif not others:
        yield Pair(way["source"], backend, refusal=refusals.of_route(way, "", backend))
    else:
        first = next(iter(others.values()))
        when = f"not {first.when}" if first.choice is Choice.RULE else first.when
        yield Pair(way["source"], backend, first.choice, when)
        for source, other in others.items():
            none = None if source else refusals.of_none(other.way, backend)
            if source or none:
                yield Pair(source or _anywhere(backend), backend, other.choice, other.when, none)


def _anywhere(backend: Backend) -> str:
    return "::" if ":" in backend.address else "0.0.0.0"


def _refusals(pairs: Sequence[Pair]) -> list[str]:
    """Return a line for each reason why pairs carry nothing."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        if pair.refusal:
            key = (pair.refusal.why, pair.refusal.fails)
            counts[key] = counts.get(key, 0) + 1
    lines = [f"{why}: {fails}" for why, fails in counts]
    rest = len(lines) - _SHOWN
    return lines[:_SHOWN] + (
        [f"and {rest:,} more pairs of source and backend without a connection"] if rest > 0 else []
    )


def _every_source(
    host: Host, backends: tuple[Backend, ...], routing: Routing, notes: list[str]
) -> list[tuple[str, Backend]]:
    answer: Mapping[str, Any] = host.probe("addresses")
    addresses = [ipaddress.ip_address(a) for a in answer["addresses"]]
    pairs = []
    for backend in backends:
        target = ipaddress.ip_address(backend.address)
        for address in sorted((a for a in addresses if a.version == target.version), key=str):
            if (address.is_loopback, address.is_link_local) == (target.is_loopback, target.is_link_local):
                pairs.append((f"{address}%{backend.zone}" if backend.zone else str(address), backend))
    notes += _any_addresses(answer["local_routes"], backends)
    if len({source for source, _ in pairs if not is_loopback(source)}) > 1:
        notes.append("each source address counts only if the peer can answer to it, which this host cannot see")
    return pairs


def _any_addresses(routes: Sequence[str], backends: Sequence[Backend]) -> Iterator[str]:
    """Say which further addresses are this host's by a local route (AnyIP): each of them would be a source too."""
    versions = {ipaddress.ip_address(b.address).version for b in backends if not is_loopback(b.address)}
    for route in routes[:_SHOWN]:
        version = ipaddress.ip_network(route, strict=False).version
        if version in versions:
            how = "name those in use with --source" if version == 4 else "for a program that sets IPV6_FREEBIND"
            yield f"every address of {route} is a source too, by a local route, and is not counted: {how}"


def _without_refused(pairs: list[tuple[str, Backend]], routing: Routing, notes: list[str]) -> list[Pair]:
    """Return the pairs that the kernel takes: of all addresses those are left out, and named, that it does not."""
    refused = routing.refused(pairs)
    kept = [Pair(source, backend) for source, backend in pairs if (source, backend) not in refused]
    if not kept:
        kept = [Pair(source, backend, refusal=refused[source, backend]) for source, backend in pairs]
    notes += [f"left out: {line}" for line in _refusals([Pair(s, b, refusal=why) for (s, b), why in refused.items()])]
    return kept


def distinct(pairs: Sequence[Pair], mode: BindMode) -> list[Pair]:
    """Return one pair for each pool: a backend may be reached by several ways that take the same ports."""
    distinct: dict[tuple[object, ...], Pair] = {}
    for pair in pairs:
        distinct.setdefault(pool_key(pair.source, pair.backend, mode), pair)
    return [*distinct.values()]
