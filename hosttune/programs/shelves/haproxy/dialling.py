"""The servers of a section that get connections, each address and port that they are reached at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hosttune.addresses import needs_zone
from hosttune.model import Backend, BindMode, Server
from hosttune.programs.shelves.haproxy import addresses, choosing, limits, naming, reaching, sourcing, words
from hosttune.programs.shelves.haproxy.addresses import Address
from hosttune.programs.shelves.haproxy.naming import Names
from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.options import Source
from hosttune.programs.shelves.haproxy.options import source as read_source
from hosttune.programs.shelves.haproxy.proxies import Proxy, ServerLine
from hosttune.programs.shelves.haproxy.reaching import Bind

_MOST = 100_000  # servers of all sections; beyond them nothing more is counted
_MOST_PLACES = 256  # ports of bind lines that one server is counted for
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


@dataclass(slots=True)
class Tally:
    """Server lines of all sections by what became of them, for the message where none can be counted."""

    lines: Counter[str] = field(default_factory=Counter)
    unset: set[str] = field(default_factory=set)
    servers: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """A server line with its address as it is written and read, and the numeric address of each of its servers."""

    line: ServerLine
    text: str
    address: Address
    hosts: tuple[str, ...]


@dataclass(slots=True)
class Dialled:
    """What the server lines of a section come to (see Section).

    `sockets` are those that take no ports; a weight of theirs counts so many `times`. `answers`: it is one that HAProxy
    connects to servers that cannot be counted here, as against lines that it would refuse, or that need what nobody has
    given.
    """

    servers: list[Server] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    growing: list[str] = field(default_factory=list)
    sockets: list[ServerLine] = field(default_factory=list)
    idle: list[Server] = field(default_factory=list)
    answers: bool = False
    times: int = 1


class Dialler:
    """Makes servers of server lines; what it shares over sections is what was resolved, noted and counted."""

    def __init__(self, names: Names, notes: Notes) -> None:
        self._names, self._notes = names, notes
        self.tally = Tally()

    def section(self, proxy: Proxy, fronts: Sequence[Proxy]) -> Dialled:
        """Return the servers of a section that these proxies lead to."""
        dialled = Dialled()
        chosen = choosing.chosen(proxy, self._notes, self.tally.lines)
        lines = [made for line in chosen.getting if (made := self._line(line, dialled))]
        # a server whose port is the client's is one for each port, and all share alike
        relative = sum(line.address.relative or not line.address.host for line in lines)
        places = reaching.places(fronts, _MOST_PLACES) if relative and self.tally.servers <= _MOST else ()
        times = max(len(places), 1) if relative < len(lines) + len(dialled.sockets) else 1
        dialled.times = times
        source = _of_backend(proxy)
        for line in lines:
            dialled.servers.extend(self._servers(proxy, line, places, times, source, dialled))
        if not proxy.servers and (proxy.is_on("transparent") or any(proxy.section.named("transparent"))):
            why = f"{proxy.section.where}: {proxy.name} goes where each client meant to go (option transparent)"
            self._pass(dialled, why, "where each client meant to go", answers=True)
        dialled.idle.extend(made for line in chosen.idle for made in _idle(proxy, line))
        return dialled

    def _line(self, line: ServerLine, dialled: Dialled) -> _Line | None:
        """Return a line with its hosts, None where it has none that can be counted."""
        where, option = line.directive.where, line.options
        text = option.socks4 or line.target
        unset = words.variables(text)
        if unset:
            self.tally.unset.update(unset)
            self._pass(dialled, f"{where}: {text}: {unset[0]} is set nowhere that was read", "variable")
            return None
        try:
            address = addresses.parse(text)
        except addresses.NoAddress as error:
            self._pass(dialled, f"{where}: {error}", "without an address that can be read")
            return None
        if address.skipped:
            dialled.sockets.append(line)
            self.tally.lines["no TCP"] += 1
            self._notes.add(where, f"{text} is {address.skipped}: it takes no ports; skipped")
            return None
        if option.namespace:
            why = f"{where}: {line.name} is reached from the network namespace {option.namespace}"
            self._pass(dialled, why, "reached from another network namespace", answers=True)
            return None
        return self._resolved(line, text, address, dialled)

    def _resolved(self, line: ServerLine, text: str, address: Address, dialled: Dialled) -> _Line | None:
        slots, where = len(line.slots), line.directive.where
        self.tally.servers += slots
        if self.tally.servers > _MOST:
            self._pass(dialled, f"{where}: more than {_MOST:,} servers before it", "too many")
            return None
        if not address.is_name:
            return _Line(line, text, address, (address.host,) * slots)
        resolved = naming.resolve(self._names, address.host, address.family, line.options, slots)
        if resolved.growing:
            dialled.growing.append(f"{where}: {resolved.growing}")
        if not resolved.addresses:
            self._pass(dialled, f"{where}: {resolved.why}", "by a name that does not resolve", answers=True)
            return None
        return _Line(line, text, address, resolved.addresses)

    def _pass(self, dialled: Dialled, unknown: str, kind: str, answers: bool = False) -> None:
        self.tally.lines[kind] += 1
        dialled.unknown.append(unknown)
        dialled.answers |= answers

    def _servers(
        self, proxy: Proxy, of: _Line, places: Sequence[Bind], times: int, source: Source | None, dialled: Dialled
    ) -> Iterator[Server]:
        line, where = of.line, of.line.directive.where
        relative = of.address.relative or not of.address.host
        goals = self._goals(of, places, dialled) if relative else ()
        if relative and not goals:
            return
        self.tally.servers += max(len(goals) - 1, 0) * len(of.hosts)
        weight = line.options.weight * times // (max(len(goals), 1) if times > 1 else 1)
        for index, host in enumerate(of.hosts):
            origin = sourcing.origin(line.options, source, where, self._notes)
            if origin.unknown:
                self._pass(dialled, origin.unknown, "from an address that cannot be counted", origin.answers)
                return
            name = f"{line.name}{line.slots[index]}" if line.is_template else line.name
            most = limits.of_server(proxy, name, line.options, origin.most)
            sources = (origin.address,) if origin.address else ()
            mode = BindMode.EXPLICIT if origin.span else None
            for to, port in goals or ((host, of.address.port),):
                goal = host if of.address.host else to
                zone = origin.device if needs_zone(goal) else ""
                backend = Backend(goal, port, of.text, sources, mode, origin.span, zone=zone)
                yield Server(name, where, backend, weight, most, follows=relative)

    def _goals(self, of: _Line, places: Sequence[Bind], dialled: Dialled) -> tuple[Bind, ...]:
        """Return the address and port at each bind line of a server that takes the client's port, or address."""
        line, address, where = of.line, of.address, of.line.directive.where
        if not places:
            why = f"{where}: {line.name} takes the client's port, and no bind line was read"
            self._pass(dialled, why, "at the client's port")
            return ()
        what = "port" if address.relative else "address"
        if len(places) > 1 or not address.relative:
            self._notes.add(where, f"{line.name} takes the {what} that the client connects to: one for each bind line")
        own = _LOOPBACK[6 if address.family == 6 else 4]
        goals = [(host or own, port + address.port if address.relative else address.port) for host, port in places]
        return tuple(goal for goal in goals if 0 < goal[1] < 65536)


def _idle(proxy: Proxy, line: ServerLine) -> Iterator[Server]:
    """Yield the servers of a line that gets nothing; of a name, or of a port of the client's, nobody asks."""
    try:
        address = addresses.parse(line.target)
    except addresses.NoAddress:
        return
    if address.is_name or address.relative or not address.host or len(line.slots) > _MOST_PLACES:
        return
    where = line.directive.where
    origin = sourcing.origin(line.options, _of_backend(proxy), where, Notes())
    sources = (origin.address,) if origin.address else ()
    mode = BindMode.EXPLICIT if origin.span else None
    for slot in () if origin.unknown else line.slots:
        name = f"{line.name}{slot}" if line.is_template else line.name
        most = limits.of_server(proxy, name, line.options, origin.most)
        zone = origin.device if needs_zone(address.host) else ""
        backend = Backend(address.host, address.port, line.target, sources, mode, origin.span, zone=zone)
        yield Server(name, where, backend, line.options.weight, most, backup=line.options.backup)


def _of_backend(proxy: Proxy) -> Source | None:
    line = proxy.held.get("source")
    return read_source(line.where, line.words) if line else None
