"""Proxies that servers of the same process lead to: a connection passes the process more than once on its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hosttune.addresses import is_loopback
from hosttune.programs.shelves.haproxy import addresses
from hosttune.programs.shelves.haproxy.dialling import Dialled
from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.reaching import Reach

_DEEPEST = 16  # times that a connection is followed back into the process
_MOST_NAMED = 100_000  # listeners that are looked at
_STREAMS = ("unix@", "uxst@")


@dataclass(frozen=True, slots=True)
class Chains:
    """`passes` are the times that each connection passes the process at least; `inner` what is entered from within."""

    passes: int = 1
    inner: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Graph:
    """The proxies that each section leads back to, "" for a server elsewhere, and the sections of each proxy."""

    behind: dict[str, set[str]] = field(default_factory=dict)
    leads: dict[str, list[str]] = field(default_factory=dict)

    def least(self) -> dict[str, int]:
        """Return how often what enters at each proxy passes the process at least; 1 where that never ends."""
        left = {
            name: {inner for section in sections for inner in self.behind.get(section, ())}
            for name, sections in self.leads.items()
        }
        known = {name: 1 for name, ways in left.items() if "" in ways or not ways}
        for depth in range(2, _DEEPEST):
            found = [name for name, ways in left.items() if name not in known and not ways.isdisjoint(known)]
            known.update(dict.fromkeys(found, depth))
        return {name: known.get(name, 1) for name in left}


def chains(reach: Reach, dialled: Mapping[str, Dialled], notes: Notes) -> Chains:
    """Return how connections come back: each time takes one of the maxconn of all, and two descriptors.

    HAProxy counts what a frontend accepts whoever it is from (src/listener.c, listener_accept(): actconn).
    """
    listens = dict(_listens(reach))
    graph = _Graph(leads={proxy.name: [to.name for to in leads] for proxy, leads in reach.entries})
    reached: set[str] = set()
    for name, of in dialled.items():
        goals = [(goal if goal in listens else near, where) for goal, near, where in _goals(of)]
        # what is entered from itself alone is a mistake, and ends somewhere
        alone = {front.name for front in reach.fronts.get(name, ())}
        goals = [("" if alone == {listens.get(goal, "")} else goal, where) for goal, where in goals]
        graph.behind[name] = {listens.get(goal, "") for goal, _ in goals}
        for goal, where in goals:
            if goal in listens:
                reached |= {goal} if not goal.startswith(":") else set()
                text = f"{listens[goal]} is entered from {name}: such a connection counts at both in maxconn"
                notes.add(where, f"{text}, and takes two descriptors more", f"entered from within, {listens[goal]}")
    outer = {name for goal, name in listens.items() if goal not in reached}
    inner = frozenset(listens[goal] for goal in reached) - outer
    if not inner:
        return Chains()
    least = (least for name, least in graph.least().items() if name in outer and graph.leads[name])
    return Chains(min(least, default=1), inner)


def _listens(reach: Reach) -> Iterator[tuple[str, str]]:
    """Yield where each proxy is entered, as servers write it, with its name."""
    left = _MOST_NAMED
    for proxy, _ in reach.entries:
        for line in proxy.section.named("bind"):
            for text in (line.words[1] if len(line.words) > 1 else "").split(","):
                for goal in _places(text):
                    left -= 1
                    if left < 0:
                        return
                    yield goal, proxy.name


def _places(text: str) -> Iterator[str]:
    if socket := _socket(text):
        yield socket
        return
    for host, ports in addresses.listeners(text):
        yield from (f"{host}:{port}" for port in ports)


def _goals(of: Dialled) -> Iterator[tuple[str, str, str]]:
    """Yield where the servers of a section are, which bind line of any address takes it too, and file:line."""
    for line in of.sockets:
        yield _socket(line.target), "", line.directive.where
    for server in of.servers:
        host, port = server.backend.address, server.backend.port
        yield f"{host}:{port}", f":{port}" if is_loopback(host) else "", server.where
    if of.unknown:
        yield "", "", ""


def _socket(text: str) -> str:
    """Return a Unix socket by one name for all ways to write it, "" for what is none."""
    for prefix in _STREAMS:
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return text if text.startswith(("/", "abns@", "abnsz@")) else ""
