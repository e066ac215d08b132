"""Which sections get connections: those that a frontend or listen with a bind line leads to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hosttune.programs.shelves.haproxy import addresses
from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.proxies import Proxy

Bind = tuple[str, int]
"""Address and port that clients connect to; "" is any address of this host."""

_MOST_PAIRS = 2_000_000  # of a frontend and a backend that an expression may name


@dataclass(frozen=True, slots=True)
class Reach:
    """The proxies that connections enter at with those that each leads to, and the sections that get them.

    `fronts` are those that lead to a section, by its name. Where there is no frontend and no listen in what was read,
    every backend counts.
    """

    entries: tuple[tuple[Proxy, tuple[Proxy, ...]], ...]
    sections: tuple[Proxy, ...]
    fronts: dict[str, list[Proxy]]


def reach(proxies: Sequence[Proxy], notes: Notes) -> Reach:
    """Return who gets connections.

    A listen leads to itself unless it has a default_backend (src/stream.c, process_switching_rules()).
    """
    by_name = {proxy.section.name: proxy for proxy in proxies if proxy.serves}
    if not any(proxy.enters for proxy in proxies):
        return Reach((), tuple(proxy for proxy in by_name.values() if not _is_off(proxy, notes)), {})
    ways = _Ways(by_name, notes)
    entries: list[tuple[Proxy, tuple[Proxy, ...]]] = []
    fronts: dict[str, list[Proxy]] = {}
    for proxy in proxies:
        if not proxy.enters or _is_off(proxy, notes):
            continue
        if not any(proxy.section.named("bind")):
            notes.add(proxy.section.where, f"{proxy.name} has no bind line: nothing enters there")
            continue
        leads = tuple(to for to in dict.fromkeys(ways.of(proxy)) if not _is_off(to, notes))
        entries.append((proxy, leads))
        for to in leads:
            fronts.setdefault(to.name, []).append(proxy)
    sections = tuple(proxy for proxy in by_name.values() if proxy.name in fronts)
    for proxy in by_name.values():
        if proxy.name not in fronts and proxy.servers and not proxy.disabled:
            notes.add(proxy.section.where, f"no frontend leads to {proxy.name}: not counted", "no frontend leads there")
    return Reach(tuple(entries), sections, fronts)


def places(fronts: Sequence[Proxy], most: int) -> tuple[Bind, ...]:
    """Return the addresses and ports of the bind lines of proxies, each once, so many at most."""
    lines = (line for proxy in fronts for line in proxy.section.named("bind") if len(line.words) > 1)
    every = (
        (host, port) for line in lines for host, ports in addresses.listeners(line.words[1]) for port in ports[:most]
    )
    return tuple(dict.fromkeys(itertools.islice(every, 4 * most)))[:most]


def _is_off(proxy: Proxy, notes: Notes) -> bool:
    if proxy.disabled:
        notes.add(proxy.section.where, f"{proxy.name} is disabled: not counted", "disabled")
    return proxy.disabled


class _Ways:
    """Where proxies lead, by the names of backends; how many an expression may name is bounded over all."""

    def __init__(self, by_name: dict[str, Proxy], notes: Notes) -> None:
        self._by_name, self._notes = by_name, notes
        self._left = _MOST_PAIRS

    def of(self, proxy: Proxy) -> Iterator[Proxy]:
        """Yield where a proxy leads; a name that is an expression leads to every backend that it can come to."""
        patterns: set[tuple[str, str]] = set()
        for line in proxy.section.named("use_backend"):
            yield from self._named(line.where, line.words[1] if len(line.words) > 1 else "", patterns)
        default = proxy.held.get("default_backend")
        if default:
            yield from self._named(default.where, proxy.word("default_backend"), patterns)
        elif proxy.serves:
            yield proxy

    def _named(self, where: str, name: str, patterns: set[tuple[str, str]]) -> Iterator[Proxy]:
        if name in self._by_name:
            yield self._by_name[name]
        elif "%" in name or "$" in name:
            text = f"use_backend {name} is decided for each connection: every backend that it can name counts"
            self._notes.add(where, text, "use_backend is decided for each connection")
            known = _ends(name)
            if self._left <= 0:
                self._notes.add(where, "too many backends may come from expressions before it: it is ignored")
            elif known not in patterns:
                patterns.add(known)
                self._left -= len(self._by_name)
                start, end = known
                yield from (to for key, to in self._by_name.items() if key.startswith(start) and key.endswith(end))
        else:
            self._notes.add(where, f"it leads to {name}, which is nowhere in what was read")


def _ends(name: str) -> tuple[str, str]:
    """Return what stands before and behind all expressions of a name, `%[...]` and `${...}`."""
    start = min(at for sign in "%$" if (at := name.find(sign)) >= 0)
    end = max(name.rfind(sign) for sign in "])}")
    return name[:start], name[end + 1 :] if end > start else ""
