"""What an nginx.conf, or a file that one includes, comes to: entries, sections and the limits of the workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hosttune import scope
from hosttune.model import Configuration, Entry, OwnLimit
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.nginx import limits, listening, sections
from hosttune.programs.shelves.nginx.addresses import Names
from hosttune.programs.shelves.nginx.grammar import Directive
from hosttune.programs.shelves.nginx.including import Tree, tree
from hosttune.programs.shelves.nginx.limits import General
from hosttune.programs.shelves.nginx.listening import Listen
from hosttune.programs.shelves.nginx.passing import Pass, holds, passes
from hosttune.programs.shelves.nginx.sections import Sections
from hosttune.programs.shelves.nginx.upstreams import Upstream, upstream
from hosttune.programs.shelves.nginx.variables import Variables

_KINDS = ("http", "stream", "mail")
_SHOWN = 3
_LISTENS = 100_000  # addresses that are looked at: a range of ports is one for each


@dataclass(slots=True)
class _Server:
    """A `server {}` with what it passes on."""

    directive: Directive
    kind: str
    listens: tuple[Listen, ...]
    passes: tuple[Pass, ...]
    leads: list[object] = field(default_factory=list)

    @property
    def is_udp(self) -> bool:
        """Say whether no connection of TCP comes in."""
        return bool(self.listens) and all(one.udp for one in self.listens)


def read(given: Given) -> Configuration:
    """Return what the files come to; raises UsageError where nginx would refuse them.

    With proxy_bind nginx sets IP_BIND_ADDRESS_NO_PORT (since 1.11.4, src/event/ngx_event_connect.c), else it only
    connects. A file without `events` is one that another includes: it says nothing of workers.
    """
    whole = tree(given)
    main = whole.directives
    blocks, alone = _blocks(main)
    about = limits.general(given.host, given.paths[0], main)
    names = Names(given)
    upstreams = _upstreams(blocks, names, about.workers)
    made = Sections(names, upstreams, _elsewhere(whole, alone))
    servers = _servers(blocks)
    for server in servers:
        if not server.is_udp:
            server.leads = [key for one in server.passes for key in made.add(one)]
    unused = _unused(upstreams.values(), made, servers)
    keys, found = made.made()
    mode, found = sections.modes(found)
    sockets = _sockets(servers)
    entries, notes = _entries(servers, blocks, keys)
    logs = limits.logs(main, "http" in blocks)
    is_main = any(row.name == "events" for row in main)
    remarks = [*whole.notes, *about.notes, *made.notes, *unused, *_udp(servers), *_mail(servers), *notes]
    if not is_main:
        remarks.insert(0, f"{given.paths[0]}: worker_connections stand in the file that includes it")
    return Configuration(
        "nginx",
        tuple(whole.files),
        limits.settings(about, sockets, logs),
        entries=entries,
        sections=found,
        limits=(_workers(about, sockets, servers, made),) if is_main else (),
        mode=mode,
        notes=tuple(dict.fromkeys(remarks)),
    )


def _udp(servers: Iterable[_Server]) -> list[str]:
    """Return notes on what comes in by another transport than TCP: ngx_stream's udp, and QUIC beside TCP."""
    return [_beyond(one, other[0]) for one in servers if (other := [of for of in one.listens if of.udp])]


def _beyond(server: _Server, listen: Listen) -> str:
    of = f"server {_shown(server)}" if server.is_udp else f"listen {listen}"
    return f"{server.directive.where}: {of}: {scope.QUIC if listen.ssl else scope.UDP}"


def _mail(servers: Iterable[_Server]) -> list[str]:
    why = "mail: where it leads is what auth_http answers; no port is counted"
    return [f"{one.directive.where}: server {_shown(one)}: {why}" for one in servers if one.kind == "mail"]


def _blocks(main: Sequence[Directive]) -> tuple[dict[str, list[Directive]], bool]:
    """Return the directives of http, stream and mail, and whether they stand alone: in a file for one of these."""
    blocks: dict[str, list[Directive]] = {}
    for row in main:
        if row.name in _KINDS and row.block is not None:
            blocks.setdefault(row.name, []).extend(row.block)
    if blocks:
        return blocks, False
    servers = [row for row in main if row.name == "server"]
    straight = any(inner.name == "proxy_pass" for server in servers for inner in server.inner)
    return {"stream" if straight else "http": [*main]}, True


def _elsewhere(whole: Tree, alone: bool) -> str:
    """Return where an upstream could stand that was not read."""
    if whole.unread:
        return f"{whole.unread[0]}, which was not read"
    return f"the file that includes {whole.files[0]}" if alone and whole.files else ""


def _upstreams(
    blocks: Mapping[str, Sequence[Directive]], names: Names, workers: int
) -> dict[tuple[str, str], Upstream]:
    return {
        (kind, row.args[0].lower()): upstream(row, kind, names, workers)
        for kind in ("http", "stream")
        for row in blocks.get(kind, ())
        if row.name == "upstream" and row.args and row.block is not None
    }


def _servers(blocks: Mapping[str, Sequence[Directive]]) -> list[_Server]:
    made: list[_Server] = []
    left = _LISTENS
    for kind, block in blocks.items():
        outer, variables = holds({}, block), Variables.of(block)
        for row in block:
            if row.name == "server" and row.block is not None:
                listens = listening.listens(row, kind, left)
                left -= len(listens)
                known = variables.within(row.inner, listening.variables(listens))
                own = tuple(passes(kind, row, outer, known)) if kind != "mail" else ()
                made.append(_Server(row, kind, listens, own))
    return made


def _sockets(servers: Iterable[_Server]) -> list[Listen]:
    """Return the sockets of each worker: http, stream and mail have their own."""
    by_kind: dict[str, list[Listen]] = {}
    for server in servers:
        by_kind.setdefault(server.kind, []).extend(server.listens)
    return [one for own in by_kind.values() for one in listening.sockets(own)]


def _unused(upstreams: Iterable[Upstream], made: Sections, servers: Sequence[_Server]) -> list[str]:
    """Return notes on the upstreams that nothing passes to; where no server was read, each is taken to be in use."""
    left = [one for one in upstreams if id(one) not in made.used]
    if not servers:
        for one in left:
            made.all_of(one)
        return [f"{one.where}: no server was read that passes to {one.name}; it is taken to be in use" for one in left]
    return [f"{one.where}: nothing passes to {one.name}; it is not counted" for one in left]


def _entries(
    servers: Sequence[_Server], blocks: Mapping[str, Sequence[Directive]], keys: Mapping[object, str]
) -> tuple[tuple[Entry, ...], list[str]]:
    """Return the servers that lead somewhere, and notes on their limits."""
    entries: list[Entry] = []
    notes: list[str] = []
    outer = {kind: holds({}, block) for kind, block in blocks.items()}
    zones = {kind: limits.zones(block) for kind, block in blocks.items()}
    configured = listening.backlogs(one for server in servers for one in server.listens)
    for server in servers:
        if not server.leads:
            continue
        name = f"server {_shown(server)}"
        scope = holds(outer[server.kind], server.directive.inner)
        own, more = limits.of_entry(scope, zones[server.kind], name)
        notes += more
        leads = tuple(dict.fromkeys(keys[key] for key in server.leads))
        size = listening.backlog(server.listens, configured)
        entries.append(Entry(name, server.directive.where, own, leads, size))
    return tuple(entries), notes


def _shown(server: _Server) -> str:
    """Return what a server is called: where it listens, and its first name."""
    texts = [str(one) for one in server.listens]
    more = f" and {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else ""
    named = next((row.args[0] for row in server.directive.inner if row.name == "server_name" and row.args), "")
    return " ".join(filter(None, [", ".join(texts[:_SHOWN]) + more, named]))


def _workers(about: General, sockets: Sequence[Listen], servers: Sequence[_Server], made: Sections) -> OwnLimit:
    """Return worker_connections: a connection that is passed on takes two, and one for each copy of its request."""
    every = [one for server in servers if server.leads for one in server.passes]
    copies = min((one.mirrors for one in every), default=0)
    notes = [f"{one.keepalive}: idle ones take of them too" for one in made.used.values() if one.keepalive]
    if any(one.mirrors > copies for one in every):
        notes.append("a request that is mirrored takes one more for each copy")
    # each name server is asked through a socket that stays (ngx_udp_connect())
    asked = sum("=" not in word for row in made.resolvers for word in row.args)
    passed = every or any(server.kind == "mail" for server in servers)
    return limits.of_workers(about, sockets, asked, (2 if passed else 1) + copies, notes[:_SHOWN])
