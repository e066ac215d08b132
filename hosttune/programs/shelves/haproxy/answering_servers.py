"""The servers that a running HAProxy gives connections to, by `show servers state` and `show stat`.

The bits of a server's administrative state are SRV_ADMF_* of include/haproxy/server-t.h.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hosttune.model import Backend, Configuration, Difference, OwnLimit, Section, Server

Row = Mapping[str, Any]
Rows = Mapping[str, Row]

_STATE, _STAT = "show servers state", "show stat"
_MAINT, _DRAIN = 0x43, 0x18  # FMAINT, IMAINT, HMAINT; FDRAIN, IDRAIN; CMAINT says where the former is from
_UNRESOLVED = 0x20  # RMAINT: its name has no address
_BACKEND = 1  # the type of a row of `show stat`
_QUEUED = "none: connections wait in the queue of the section, up to `timeout queue`"
_UNKNOWN = "reload haproxy: its process does not know it"
_WRITE = "a reload puts the file in force"


@dataclass(slots=True)
class _Section:
    """A section while it is held against what is in force: what it comes to is collected.

    `states` and `stats` are its servers' by their names, the row of the section itself has none. `weighs`: its weights
    are those of its lines, and not what is made of them where no server has one, or a line stands for several.
    """

    program: str
    section: Section
    states: Rows
    stats: Rows
    weighs: bool
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.section.name.rpartition(" ")[2]

    def differs(self, server: str, setting: str, on_disk: str, now: str, where: str, fix: str, shown: str) -> None:
        of = f"{self.section.name}/{server}"
        self.differences.append(Difference(self.program, of, setting, on_disk, now, where, shown, fix))


def sections(configuration: Configuration, answers: Row) -> tuple[Configuration, tuple[Difference, ...]]:
    """Return the configuration with the servers that get connections now, and how that differs from the files."""
    states, stats = _by_section(answers["servers"]), _by_section(answers["rows"])
    made: list[Section] = []
    differences: list[Difference] = []
    notes: list[str] = []
    for section in configuration.sections:
        name = section.name.rpartition(" ")[2]
        own = states.get(name, {})
        weighs = any(row["weight"] for row in own.values()) and not any(server.follows for server in section.servers)
        at = _Section(configuration.program, section, own, stats.get(name, {}), weighs)
        if not own:
            made.append(section)
            differences += _absent(at)
            continue
        made.append(_in_force(at))
        differences += at.differences
        notes += at.notes
    return replace(configuration, sections=tuple(made), notes=(*configuration.notes, *notes)), tuple(differences)


def _by_section(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Return rows by section and server; the row of a section is that of no server."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["section"], {})["" if row.get("kind") == _BACKEND else row["server"]] = row
    return found


def _absent(at: _Section) -> list[Difference]:
    """Return that the process has no such section: its file was written after it was started."""
    if at.name and at.section.servers:
        at.differences.append(
            Difference(at.program, at.section.name, "section", "there", "absent", at.section.where, _STATE, _UNKNOWN)
        )
    return at.differences


def _in_force(at: _Section) -> Section:
    section = at.section
    able = [server for own in section.servers if (server := _of_file(at, own))]
    able += [server for own in section.idle if (server := _of_idle(at, own))]
    able += _beside(at)
    # a backup gets nothing while another server is up, doc/configuration.txt, 5.2
    getting = [server for server in able if not server.backup] or able[:1]
    by_name = [replace(server, most=_most(at, server)) for server in getting]
    named, idle = {own.name for own in section.servers}, {own.name: own for own in section.idle}
    for new in (server for server in by_name if server.name not in named):
        _say_new(at, new, idle.get(new.name))
    unknown = tuple(text for text in section.unknown if not _resolved(at, text, by_name))
    if not by_name and not unknown:
        text = f"{section.where}: no server of {section.name} gets connections: all are down or in maintenance"
        return replace(section, servers=(), unknown=(f"{text} ({_STATE})",))
    return replace(section, servers=tuple(by_name), unknown=unknown)


def _of_file(at: _Section, server: Server) -> Server | None:
    """Return a server that its line gives connections, as it is in force; None where it gets none."""
    row = at.states.get(server.name)
    if row is None:
        at.differs(server.name, "server", str(server.backend), "none", server.where, _reload(server), _STATE)
        return None
    if row["admin"] & (_MAINT | _DRAIN):
        state = "maint" if row["admin"] & _MAINT else "drain"
        fix = f"`set server {at.name}/{server.name} state ready` at the socket, or write `disabled` to its line"
        at.differs(server.name, "state", "ready", state, server.where, fix, _STATE)
        return None
    if row["admin"] & _UNRESOLVED or not row["state"]:
        why = "its name has no address" if row["admin"] & _UNRESOLVED else "it is down"
        at.notes.append(f"{server.where}: {at.section.name}/{server.name} gets no connections: {why} ({_STATE})")
        return None
    moved = _moved(at, server, row)
    if row["weight"] == server.weight or not at.weighs:
        return moved
    fix = f"`set server {at.name}/{server.name} weight {server.weight}` at the socket, or a reload, puts it in force"
    at.differs(server.name, "weight", str(server.weight), str(row["weight"]), server.where, fix, _STATE)
    return replace(moved, weight=row["weight"]) if row["weight"] else None


def _of_idle(at: _Section, server: Server) -> Server | None:
    """Return a server that its line gives nothing, where it may get connections now."""
    row = at.states.get(server.name)
    if row is None or not _is_up(row):
        return None
    return replace(_moved(at, server, row), weight=row["weight"], backup=_is_backup(at, server.name))


def _beside(at: _Section) -> list[Server]:
    """Return the servers that no line of the file comes to: added at the socket, or with a name that it resolved.

    They are taken to have the sources of the others, for the socket does not say them.
    """
    named = {server.name for server in (*at.section.servers, *at.section.idle)}
    made = []
    for name, row in at.states.items():
        if name in named or not _is_up(row) or not row["port"]:
            continue
        if at.section.unknown and not row["host"]:
            continue  # one of those that nobody can count
        like = next((server.backend for server in at.section.servers), Backend(row["address"], row["port"]))
        backend = replace(like, address=row["address"], port=row["port"], name=row["host"])
        made.append(Server(name, _STATE, backend, row["weight"], backup=_is_backup(at, name)))
    return made


def _is_up(row: Row) -> bool:
    """Say whether a server may be given connections to an address."""
    off = row["admin"] & (_MAINT | _DRAIN | _UNRESOLVED)
    return bool(not off and row["state"] and row["weight"] and row["address"])


def _is_backup(at: _Section, name: str) -> bool:
    return bool(at.stats.get(name, {}).get("backup"))


def _moved(at: _Section, server: Server, row: Row) -> Server:
    """Return a server at the address that is in force: one behind a name goes where that leads.

    Of one that follows the client's address or port, the socket does not show where it goes.
    """
    backend = server.backend
    if server.follows:
        return server
    now = replace(backend, address=row["address"] or backend.address, port=row["port"] or backend.port)
    if (now.address, now.port) == (backend.address, backend.port):
        return server
    if not row["host"] or now.port != backend.port:
        fix = f"`set server {at.name}/{server.name} addr {backend.address} port {backend.port}` at the socket; {_WRITE}"
        at.differs(server.name, "address", str(backend), str(now), server.where, fix, _STATE)
    return replace(server, backend=now)


def _most(at: _Section, server: Server) -> OwnLimit | None:
    """Return the maxconn of a server that is in force, with what it has of it now."""
    row, before = at.stats.get(server.name), server.most
    if row is None:
        return before
    queue = at.stats.get("", {}).get("queued", 0) if _is_first(at, server) else 0
    taken = {"used": row["used"], "waiting": row["queued"] + queue}
    if before and (before.setting != "maxconn" or before.notes):
        return replace(before, **taken)  # what binds is not its maxconn alone, and not shown
    now = int(row["limit"])
    if (before.value if before else 0) != now and server.where != _STATE:
        on_disk = f"{before.value:,}" if before else "none"
        fix = f"`set maxconn server {at.name}/{server.name} {before.value if before else 0}` at the socket; {_WRITE}"
        where = before.where if before and before.where else server.where
        at.differs(server.name, "maxconn", on_disk, f"{now:,}" if now else "none", where, fix, _STAT)
    if not now:
        return None
    of = f"server {at.name}/{server.name}"
    limit = before or OwnLimit("maxconn", now, "maxconn", of=of, where=_STAT, fails=_QUEUED)
    return replace(limit, value=now, **taken)


def _is_first(at: _Section, server: Server) -> bool:
    """Say whether it is the server with which the queue of the whole section is counted."""
    return next((own.name for own in at.section.servers), server.name) == server.name


def _say_new(at: _Section, server: Server, idle: Server | None) -> None:
    """Say of a server that gets connections, and none by the file, what is in force."""
    if idle is not None and not server.backup and not idle.backup:
        fix = f"`disable server {at.name}/{server.name}` at the socket, or change its line; {_WRITE}"
        at.differs(server.name, "state", "gets nothing", "ready", idle.where, fix, _STATE)
    elif idle is None and server.where == _STATE and not server.backend.name and not at.section.unknown:
        fix = "write a server line for it: a reload forgets it"
        at.differs(server.name, "server", "none", str(server.backend), at.section.where, fix, _STATE)


def _resolved(at: _Section, text: str, servers: Sequence[Server]) -> bool:
    """Say whether what could not be counted in the file is counted now: a name that the process has resolved."""
    return any(name in text.split() for name in _names(servers))


def _names(servers: Sequence[Server]) -> Iterator[str]:
    yield from (server.backend.name for server in servers if server.where == _STATE and server.backend.name)


def _reload(server: Server) -> str:
    return f"reload haproxy: its process has no server {server.name}"
