"""What a tsung.xml comes to for this host: its servers, the addresses of its users, and how many there are."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from hosttune.addresses import numeric
from hosttune.errors import HostError, UsageError
from hosttune.facts import backends
from hosttune.host import text
from hosttune.model import Backend, BindMode, Configuration, Entry, OwnLimit, Section, Server, Settings
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.tsung import document, load, ranges
from hosttune.programs.shelves.tsung.document import Element

_MAXUSERS = 800  # src/tsung_controller/ts_config.erl
_TCP = {"tcp", "ssl", "tcp6", "ssl6", "bosh", "bosh_ssl", "websocket", "websocket_ssl"}
_NONE = {"ts_fs", "ts_shell", "ts_job"}  # sessions that connect to no server


@dataclass(frozen=True, slots=True)
class _Client:
    """A client of the file: `weight` is its share of the users, `most` the users of a node, `nodes` how many."""

    host: str
    where: str
    weight: Fraction
    most: int
    nodes: int
    own: bool
    element: Element


def recognises(text: str) -> bool:
    """Say whether its first element is that of a tsung.xml."""
    bare = re.sub(r"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^\[>]*(?:\[.*?\])?\s*>", "", text[: 1 << 16], flags=re.DOTALL)
    return re.match(r"\s*<tsung[\s>/]", bare.lstrip("\ufeff")) is not None


def read(given: Given) -> Configuration:
    """Return what it comes to; raises UsageError where it is no XML, or has no client or no server.

    Tsung binds to an address before it connects, to 0.0.0.0 where none is given (src/tsung/ts_tcp.erl). Its nodes take
    ports of ports_range themselves, the controller's own does not. A node that has maxusers has another one started
    beside it, but the controller's own takes no more (src/tsung_controller/ts_config_server.erl, newbeam).
    """
    path, *more = given.paths
    notes = [f"{other}: Tsung takes one file; it is not read" for other in more]
    root = document.read(path, given.text(path), notes)
    if root.name != "tsung":
        raise UsageError(f"{path}: the root is <{root.name}>, not <tsung>; name a tsung.xml")
    clients = _clients(root)
    mine = _mine(given, path, clients, notes)
    loaded = load.read(root)
    share = sum((one.weight for one in mine), Fraction(0)) / sum((one.weight for one in clients), Fraction(0))
    users = loaded.users(share)
    section = _section(given, path, root, mine, notes)
    limits = [*_nodes(mine, users, notes)]
    if loaded.phases or loaded.fixed:
        where = loaded.phases[0].where if loaded.phases else loaded.where
        stays = _stays(root, loaded, share, users)
        limits.append(OwnLimit("users", users, "users", where=where, fails="no more are started", notes=stays))
    notes.extend(_sessions(root))
    entry = Entry("load", loaded.where, leads=(section.name,))
    workers = sum(one.nodes for one in mine) if len(mine) > 1 or mine[0].nodes > 1 else 0
    return Configuration(
        "tsung",
        (path,),
        Settings("tsung", path, workers=workers),
        entries=(entry,),
        sections=(section,),
        limits=tuple(limits),
        mode=BindMode.BIND,
        notes=tuple(notes),
    )


def _clients(root: Element) -> list[_Client]:
    made: list[_Client] = []
    own = False
    for element in root.first("clients").each("client"):
        # from the first client that says so on, whatever the later ones say
        own |= element.get("use_controller_vm") == "true"
        host = element.get("host") or element.get("batch")
        nodes = 1 if own else max(int(element.number("cpu", 1)), 1)
        most = int(element.number("maxusers", _MAXUSERS))
        weight = Fraction(element.get("weight")) if re.fullmatch(r"\d{1,9}", element.get("weight")) else Fraction(1)
        made.append(_Client(host, element.where, weight or Fraction(1), most, min(nodes, 1 << 16), own, element))
    if not made:
        raise UsageError(f"{root.where}: no <client> in it; Tsung takes at least one")
    return made


def _mine(given: Given, path: str, clients: list[_Client], notes: list[str]) -> list[_Client]:
    """Return those of this host: by its name or an address of it, else the only one, else the first."""
    names = {"localhost", "127.0.0.1", "::1", *_names(given)} - {""}
    mine = [one for one in clients if {one.host.lower(), one.host.lower().partition(".")[0]} & names]
    if not mine:
        first = clients[0]
        mine = [one for one in clients if one.host == first.host]
        if len(mine) < len(clients):
            hosts = len({one.host for one in clients})
            notes.append(f"{path}: none of its {hosts:,} clients is this host by name: {first.host} is counted")
    return mine


def _names(given: Given) -> set[str]:
    name = (text(given.host, "/proc/sys/kernel/hostname") or text(given.host, "/etc/hostname")).lower()
    names = {name, name.partition(".")[0]}
    if given.root == "/":
        with contextlib.suppress(HostError):
            names.update(given.host.probe("addresses")["addresses"])
    return names


def _nodes(mine: list[_Client], users: int, notes: list[str]) -> Iterator[OwnLimit]:
    """Yield the limit of the controller's own node; of others there is one more whenever one is full."""
    for one in mine[:1] if mine[0].own else mine:
        where, of = one.element.where, f"client {one.host}"
        if one.own:
            only = "use_controller_vm: no further node is started; a <client> of its own host starts them"
            fails = "the user is not started"
            yield OwnLimit("maxusers", one.most, "maxusers", of, where, fails=fails, notes=(only,))
        elif one.most:
            nodes = -(-users // (one.most * len(mine)))
            more = f": {nodes:,} for {users:,} users" if nodes > one.nodes else ""
            notes.append(f"{where}: {one.host} starts a further node for every {one.most:,} users at once{more}")


def _stays(root: Element, loaded: load.Load, share: Fraction, users: int) -> tuple[str, ...]:
    stay = load.stay(root)
    if stay is None:
        return ("how long a user stays is not known: all of them may be there at once",)
    once = loaded.at_once(share, stay)
    if once >= users or not stay:
        return ()
    return (f"a user stays {stay:,.0f} s by its thinktimes: about {once:,} are there at once, more where answers lag",)


def _sessions(root: Element) -> Iterator[str]:
    for session in root.first("sessions").each("session"):
        if session.get("type") in _NONE:
            yield f"{session.where}: session {session.get('name')} is {session.get('type')}: it connects to no server"


def _section(given: Given, path: str, root: Element, mine: list[_Client], notes: list[str]) -> Section:
    """Return the servers, each reached from the addresses of this host; Tsung draws one by its weight for each user."""
    unknown: list[str] = []
    sources = _sources(mine, notes, unknown)
    ports = None if mine[0].own else _ports(root, notes)
    made: list[Server] = []
    every = [*root.first("servers").each("server")]
    if not every:
        raise UsageError(f"{root.where}: no <server> in it; Tsung takes at least one")
    for element in every:
        if element.get("type") not in _TCP:
            notes.append(f"{element.where}: a server of type {element.get('type') or '(none)'}, no TCP; skipped")
            continue
        name = f"{element.get('host')}:{element.get('port')}"
        try:
            backend = _backend(given, element)
        except UsageError as error:
            unknown.append(str(error))
            continue
        here = _of_family(sources, backend)
        if not here:
            unknown.append(f"{element.where}: {name}: no address of the client can be counted towards it")
            continue
        reached = replace(backend, sources=here, ports=ports)
        made.append(Server(name, element.where, reached, weight=_weight(element)))
    chance = "Tsung draws the server of each user" if len(made) > 1 else ""
    where = root.first("servers").where
    return Section("servers", where, _exact(made), uneven=chance, unknown=tuple(unknown))


def _backend(given: Given, element: Element) -> Backend:
    host, port = element.get("host").strip("[]"), element.get("port")
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not numeric(host) and not given.resolves:
        raise UsageError(f"{element.where}: {host} is a name, and names are not resolved here")
    return backends.parse(given.host, written, f"{element.where}:")


def _weight(element: Element) -> int:
    """Return a weight in thousandths: it may have a fraction."""
    return round(element.number("weight", 1) * 1000) or 1


def _exact(servers: list[Server]) -> tuple[Server, ...]:
    """Return them with their weights as small as they can be."""
    least = math.gcd(*(server.weight for server in servers)) if servers else 1
    return tuple(replace(server, weight=server.weight // least) for server in servers)


def _of_family(sources: tuple[str, ...], backend: Backend) -> tuple[str, ...]:
    v6 = ":" in backend.address
    if sources == ("",):
        return ("::",) if v6 else ("0.0.0.0",)
    return tuple(source for source in sources if (":" in source) == v6)


def _sources(mine: list[_Client], notes: list[str], unknown: list[str]) -> tuple[str, ...]:
    """Return the addresses that users are bound to, ("",) for none; adds what cannot be counted."""
    every: dict[str, None] = {}
    for one in mine:
        for element in one.element.each("ip"):
            value = element.get("value")
            if element.get("scan") == "true":
                unknown.append(f"{element.where}: every address of {value}; name them with --source")
            elif address := numeric(value):
                every[address] = None
            else:
                unknown.append(f"{element.where}: {value or '(none)'} is no address; name it with --source")
        for element in one.element.each("iprange"):
            addresses, why = ranges.addresses(element.get("value"))
            every.update(dict.fromkeys(addresses))
            if why:
                unknown.append(f"{element.where}: iprange {element.get('value')}: {why}")
    return tuple(every) or (() if unknown else ("",))


def _ports(root: Element, notes: list[str]) -> tuple[int, int] | None:
    for element in root.first("options").each("option"):
        if element.get("name") == "ports_range":
            low, high = int(element.number("min")), int(element.number("max"))
            if 0 < low <= high < 65536:
                return low, high
            notes.append(f"{element.where}: ports_range {low}-{high} is no range; the kernel's is counted")
    return None
