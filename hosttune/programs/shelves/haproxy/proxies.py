"""Frontends, listens and backends with all that holds for them: their own lines, else those of their defaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hosttune.programs.shelves.haproxy import grammar, options
from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.options import Options
from hosttune.programs.shelves.haproxy.sections import Directive, Section

# one of each holds, the last; a word of two is told by both
_HELD = frozenset({"mode", "balance", "maxconn", "fullconn", "backlog", "retries", "default_backend", "source"})
_PAIRS = frozenset({("rate-limit", "sessions")})
_SERVERS = frozenset({"server", "server-template"})


@dataclass(frozen=True, slots=True)
class ServerLine:
    """A server or server-template line with what holds for it: its words, else those of default-server before it.

    `first_alone`: only the first server of a template gets connections.
    """

    directive: Directive
    options: Options
    first_alone: bool = False

    @property
    def is_template(self) -> bool:
        return self.directive.name == "server-template"

    @property
    def name(self) -> str:
        return self.directive.words[1] if len(self.directive.words) > 1 else ""

    @property
    def target(self) -> str:
        """The address as it is written, "" where there is none."""
        at = 3 if self.is_template else 2
        return self.directive.words[at] if len(self.directive.words) > at else ""

    @property
    def slots(self) -> range:
        """The numbers of a template's servers, of a server line one; empty for no range (_srv_parse_tmpl_range())."""
        if not self.is_template:
            return range(1)
        low, dash, high = (self.directive.words[2] if len(self.directive.words) > 2 else "").partition("-")
        first, last = options.number(low), options.number(high)
        slots = range(first or 0, (last or 0) + 1) if dash else range(1, (first or 0) + 1)
        return slots[:1] if self.first_alone else slots


@dataclass(slots=True, eq=False)
class Proxy:
    """A frontend, listen, backend or defaults section.

    `held` are lines by their word, the last of each; `switched` the options that are on or off; `server` what
    default-server says so far. `name` is as people call it: `backend b`.
    """

    section: Section
    held: dict[str, Directive] = field(default_factory=dict)
    switched: dict[str, bool] = field(default_factory=dict)
    server: Options = field(default_factory=Options)
    disabled: bool = False
    servers: list[ServerLine] = field(default_factory=list)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = str(self.section)

    @property
    def enters(self) -> bool:
        return self.section.kind in ("frontend", "listen")

    @property
    def serves(self) -> bool:
        return self.section.kind in ("backend", "listen")

    def word(self, name: str, default: str = "") -> str:
        """Return the word behind the line of one name that holds."""
        line = self.held.get(name)
        return line.words[1] if line and len(line.words) > 1 else default

    def number(self, name: str) -> int:
        """Return the number behind it, 0 where there is none."""
        line = self.held.get(name)
        return (options.number(line.words[-1]) or 0) if line and len(line.words) > 1 else 0

    def is_on(self, option: str) -> bool:
        return self.switched.get(option, False)


def read(sections: Sequence[Section], notes: Notes | None = None) -> tuple[Proxy, ...]:
    """Return the proxies in order; each defaults section begins anew, and what follows it inherits from it.

    A proxy that names one (`from`) inherits from that. One that has the kind and name of another goes on with it: it is
    of another branch of `.if`, for HAProxy refuses a second one (cfg_parse_listen()).
    """
    proxies: dict[str, Proxy] = {}
    named: dict[str, Proxy] = {}
    last = Proxy(Section("defaults"))
    for section in sections:
        if section.kind not in grammar.WITH_DEFAULTS:
            continue
        is_defaults = section.kind == "defaults"
        parent = named.get(section.parent) if section.parent else None
        if section.parent and parent is None and notes is not None:
            notes.add(section.where, f"no defaults section is called {section.parent}; the one before holds")
        proxy = _made(section, parent or (Proxy(section) if is_defaults else last))
        if is_defaults:
            last = named[section.name] = proxy
        elif (first := proxies.setdefault(proxy.name, proxy)) is not proxy:
            first.section.directives.extend(section.directives)
            first.servers.extend(proxy.servers)
            first.held.update(proxy.held)
            if notes is not None:
                notes.add(section.where, f"{proxy.name} is at {first.section.where} already: read as one")
    return tuple(proxies.values())


def _made(section: Section, parent: Proxy) -> Proxy:
    proxy = Proxy(section, dict(parent.held), dict(parent.switched), parent.server, parent.disabled)
    for directive in section.directives:
        _take(proxy, directive)
    if proxy.serves and not proxy.servers:
        # without a server line that address gets all (src/backend.c, alloc_dst_address())
        for line in list(section.named("dispatch"))[-1:]:
            words = ("server", *line.words[:2])
            proxy.servers.append(ServerLine(Directive(line.where, words), Options()))
    return proxy


def servers(proxies: Sequence[Proxy]) -> Iterator[ServerLine]:
    """Yield every server line of the proxies."""
    return (server for proxy in proxies for server in proxy.servers)


def _take(proxy: Proxy, line: Directive) -> None:
    words = line.words
    name = words[0]
    if name in _SERVERS:
        if proxy.serves:
            start = 4 if name == "server-template" else 3
            proxy.servers.append(ServerLine(line, options.read(line.where, words[start:], proxy.server)))
    elif name == "default-server":
        before = proxy.server.source
        proxy.server = options.read(line.where, words[1:], proxy.server)
        if proxy.server.source is not before:
            proxy.server = options.inheriting(proxy.server)
    elif name in _HELD or words[:2] in _PAIRS:
        proxy.held[" ".join(words[:2]) if words[:2] in _PAIRS else name] = line
    elif name in ("disabled", "enabled"):
        proxy.disabled = name == "disabled"
    elif name in ("option", "no", "default"):
        _switch(proxy, words)


def _switch(proxy: Proxy, words: tuple[str, ...]) -> None:
    """Take `option NAME`, `no option NAME` and `default option NAME`."""
    if words[0] == "option" and len(words) > 1:
        proxy.switched[words[1]] = True
        if words[1] == "redispatch" and len(words) > 2:
            proxy.switched["redispatch"] = words[2] != "0"
    elif words[1:2] == ("option",) and len(words) > 2:
        proxy.switched[words[2]] = False
