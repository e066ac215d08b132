"""A real HAProxy asked what it has made of its files, beside what hosttune reads of them."""

from __future__ import annotations

import csv
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hosttune.host.live import LiveHost
from hosttune.model import Configuration, Section, Server
from hosttune.programs import configuration
from hosttune.programs.configuration import Given
from tests.programs import stage

_SOCKET = stage.WORK / "ask.sock"
_STATS = f"global\n stats socket {_SOCKET} level admin\n stats timeout 1m\n"
_MAINTENANCE = 0x01 | 0x02 | 0x04 | 0x20 | 0x40
"""Bits of srv_admin_state of `show servers state`: by command, inherited, configured, no address, no address twice."""

_WRAPS = 1 << 32  # a port that is taken off the client's is shown so


@dataclass(frozen=True)
class Row:
    """A server as HAProxy has it; `limit` is its maxconn, 0 without one. Whether it is a backup is not compared."""

    address: str
    port: int
    weight: int
    limit: int
    backup: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Answers:
    """What a running HAProxy says: its servers by backend and name, those in maintenance aside; limits of frontends.

    `socks` are the backends with others than backups that have no address of IP, `spare_socks` those with such backups.
    """

    servers: dict[str, dict[str, Row]]
    frontends: dict[str, int]
    maxconn: int
    socks: set[str]
    spare_socks: set[str]


class Running:
    """An HAProxy of some command with some files, until it is closed."""

    def __init__(self, command: Sequence[str], files: Sequence[str], environment: dict[str, str] | None = None) -> None:
        more = stage.WORK / "ask.cfg"
        more.write_text(_STATS)
        given = [word for path in [*files, str(more)] for word in ("-f", path)]
        self._process = stage.start("asked", *command, "-db", *given)
        stage.wait_for("its socket", lambda: self._process.poll() or _is_heard())
        assert self._process.poll() is None, f"it does not start: {stage.log_of('asked')}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        _SOCKET.unlink(missing_ok=True)

    def answers(self) -> Answers:
        rows = list(csv.DictReader(_ask("show stat").removeprefix("# ").splitlines()))
        by_name = {(row["pxname"], row["svname"]): row for row in rows}
        servers: dict[str, dict[str, Row]] = {}
        socks: set[str] = set()
        spare_socks: set[str] = set()
        lines = _ask("show servers state").splitlines()[1:]
        names = lines[0].removeprefix("# ").split()
        for words in (dict(zip(names, line.split(), strict=False)) for line in lines[1:] if line):
            backend, name = words["be_name"], words["srv_name"]
            # a section that is disabled has a state, and no statistics
            if int(words["srv_admin_state"]) & _MAINTENANCE or (backend, name) not in by_name:
                continue
            row = by_name[backend, name]
            address, backup, weight = words["srv_addr"], row["bck"] == "1", int(words["srv_iweight"])
            if address != "-" and not address.startswith("/"):
                made = Row(address, int(words["srv_port"]), weight, int(row["slim"] or 0), backup)
                servers.setdefault(backend, {})[name] = made
            elif weight:
                (spare_socks if backup else socks).add(backend)
        frontends = {row["pxname"]: int(row["slim"]) for row in rows if row["svname"] == "FRONTEND"}
        info = dict(line.split(": ", 1) for line in _ask("show info").splitlines() if ": " in line)
        return Answers(servers, frontends, int(info["Maxconn"]), socks, spare_socks)


def _is_heard() -> bool:
    """Say whether it listens: its socket is there a moment before."""
    with socket.socket(socket.AF_UNIX) as asked:
        return asked.connect_ex(str(_SOCKET)) == 0


def _ask(question: str) -> str:
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(10)
        asked.connect(str(_SOCKET))
        asked.sendall(f"{question}\n".encode())
        return b"".join(iter(lambda: asked.recv(1 << 16), b"")).decode()


def accepts(command: Sequence[str], files: Sequence[str]) -> str:
    """Return "" where it says that the files are valid, else what it says."""
    given = [word for path in files for word in ("-f", path)]
    done = subprocess.run(
        [*command, "-c", *given], capture_output=True, text=True, check=False, cwd=stage.WORK, timeout=20
    )
    return done.stderr[-800:] if done.returncode else ""


def read(files: Sequence[str], environment: dict[str, str]) -> Configuration:
    return configuration.read(Given(LiveHost(), tuple(files), environment)).configuration


def differences(
    ours: Configuration, theirs: Answers, unused: Sequence[str] = (), enter: int = 0, ordered: bool = True
) -> list[str]:
    """Return where the two differ, a line each; where a name server orders the addresses, those of a section as a set.

    `unused` are the sections with servers that nothing leads to. `enter` is the port at which clients come: HAProxy
    shows what is relative to it as it is written.
    """
    told = [line for section in ours.sections for line in _of_section(section, theirs, enter, ordered)]
    missing = theirs.servers.keys() - {_bare(one.name) for one in ours.sections}
    if missing != set(unused):
        told.append(f"not read: {sorted(missing)}; in no use: {sorted(unused)}")
    for entry in ours.entries:
        limits = [limit.value for limit in entry.limits if limit.setting == "maxconn" and "bind" not in limit.of]
        their = theirs.frontends.get(_bare(entry.name))
        if limits and their not in limits:
            told.append(f"{entry.name}: maxconn {limits} read, {their} in force")
    for limit in ours.limits:
        if limit.kind == "maxconn" and limit.value != theirs.maxconn:
            told.append(f"global: maxconn {limit.value} read, {theirs.maxconn} in force")
    return told


def _bare(name: str) -> str:
    return name.rpartition(" ")[2]


def _of_section(section: Section, theirs: Answers, enter: int, ordered: bool) -> list[str]:
    """Compare the servers that carry with those that run."""
    name = _bare(section.name)
    every = theirs.servers.get(name, {})
    ours = {server.name: _row(server, every.get(server.name), enter) for server in section.servers}
    primary = {key: row for key, row in every.items() if not row.backup and row.weight}
    backups = {key: row for key, row in every.items() if row.backup and row.weight}
    # one backup at a time, perhaps one without an address, or all by an option: tests/programs/measured holds which
    used = primary or ({} if name in theirs.socks else backups)
    any_of = not ours and name not in theirs.spare_socks
    must = used if primary else {key: row for key, row in used.items() if key in ours or any_of}
    if not ordered and sorted(map(str, ours.values())) == sorted(map(str, must.values())):
        return []
    told = [f"{name}/{key}: {row} read, {must.get(key)} in force" for key, row in ours.items() if must.get(key) != row]
    if not section.unknown:
        told += [f"{name}/{key}: not read, {row} in force" for key, row in must.items() if key not in ours]
    return told


def _row(server: Server, their: Row | None, enter: int) -> Row:
    """Return a server in the words of HAProxy, which has no address and no port where it takes them from elsewhere."""
    limit = server.most.value if server.most else 0
    row = Row(server.backend.address, server.backend.port, server.weight, limit)
    if their is None:
        return row
    # a server with a minconn has no one limit: what binds then is for tests/programs/measured to hold
    if server.most and server.most.setting == "minconn":
        row = replace(row, limit=their.limit)
    if their.address == "0.0.0.0" and row.address == "127.0.0.1":
        row = replace(row, address=their.address)
    if (their.port + enter) % _WRAPS == row.port:
        row = replace(row, port=their.port)
    return row
