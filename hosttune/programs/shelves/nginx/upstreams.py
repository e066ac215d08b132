"""The upstreams of nginx: their servers, what these are given, and how one is chosen (ngx_http_upstream.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hosttune.model import OwnLimit
from hosttune.programs.shelves.nginx.addresses import UNIX, Names, goal
from hosttune.programs.shelves.nginx.grammar import Directive

_HASHES = {
    "ip_hash": "ip_hash chooses by the client's address",
    "hash": "hash chooses by {}",
    "random": "random chooses by chance",
    "sticky": "sticky keeps a client where it was",
}
_PORTLESS = {"http": 80, "stream": 0}
_NOTHING = ("down", "drain")
_BY_LUA = "balancer_by_lua"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A server of an upstream at one address."""

    name: str
    where: str
    address: str
    port: int
    weight: int = 1
    most: OwnLimit | None = None
    backup: bool = False


@dataclass(slots=True, eq=False)
class Upstream:
    """An upstream with the servers that can be counted; `unknown` are sentences on the others.

    `notes` are on servers that are passed over, `keepalive` says that it keeps connections which no request uses.
    """

    name: str
    where: str
    members: list[Member] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    uneven: str = ""
    growing: str = ""
    keepalive: str = ""


def upstream(directive: Directive, kind: str, names: Names, workers: int) -> Upstream:
    """Return what an `upstream NAME {}` of http or stream comes to."""
    made = Upstream(f"upstream {directive.args[0] if directive.args else ''}", directive.where)
    zone = any(row.name == "zone" for row in directive.inner)
    for row in directive.inner:
        if row.name == "server" and row.args:
            _server(made, row, _PORTLESS[kind], names, 1 if zone else workers)
        elif row.name == "include":
            made.unknown.append(f"{row.where}: include {': '.join(row.args)}")
        elif row.name in _HASHES:
            made.uneven = f"{row.where}: {_HASHES[row.name].format(' '.join(row.args[:1]))}"
        elif row.name == "keepalive" and row.args:
            made.keepalive = f"{row.where}: keepalive {row.args[0]}"
    if lua := next((row for row in directive.inner if row.name.startswith(_BY_LUA)), None):
        # its servers only hold the place (lua-nginx-module, README: balancer_by_lua_block)
        named = ", ".join(dict.fromkeys(member.name for member in made.members[:_SHOWN]))
        instead = f", not {named}" if named else ""
        made.members, made.notes = [], []
        made.unknown = [f"{lua.where}: {lua.name} of {made.name}: Lua chooses the server{instead}"]
    return made


def _server(made: Upstream, row: Directive, portless: int, names: Names, copies: int) -> None:
    """Add the servers of a line: one for each address of a name."""
    text, words = row.args[0], row.args[1:]
    options = dict(word.partition("=")[::2] for word in words if "=" in word)
    idle = next((word for word in _NOTHING if word in words), "")
    if idle or text.startswith(UNIX):
        why = f"it is {idle} and gets nothing" if idle else "a Unix socket takes no ports"
        made.notes.append(f"{row.where}: server {text}: {why}")
        return
    if "service" in options:
        made.unknown.append(f"{row.where}: server {text} service={options['service']}: its ports are in SRV records")
        return
    to = goal(text)
    port = to.port or portless
    if to.problem or not port:
        made.unknown.append(f"{row.where}: server {to.problem or f'{text} has no port'}")
        return
    addresses, problem = names.addresses(to.host)
    if problem:
        made.unknown.append(f"{row.where}: server {text}: {problem}")
    if "resolve" in words:
        made.growing = f"{row.where}: server {text} resolve: it may be at more addresses later"
    most = _most(made, row, options.get("max_conns", ""), copies)
    weight = min(_number(options.get("weight", "")) or 1, 1 << 30)
    made.members += [Member(text, row.where, address, port, weight, most, "backup" in words) for address in addresses]


def _most(made: Upstream, row: Directive, text: str, copies: int) -> OwnLimit | None:
    """Return max_conns, which without a `zone` each worker counts for itself; 0 is no limit."""
    value = _number(text)
    if not value:
        return None
    notes = ("each worker counts for itself: the upstream has no zone",) if copies > 1 else ()
    return OwnLimit(
        "max-conns",
        value,
        "max_conns",
        of=f"{made.name}/{row.args[0]}",
        where=row.where,
        copies=copies,
        fails="no live upstreams: a client of http gets a 502, one of stream is turned away",
        notes=notes,
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0
