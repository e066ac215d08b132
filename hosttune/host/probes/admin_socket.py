"""What a running HAProxy says of itself at its admin socket, or through its master's: nothing there is changed.

HAProxy's management guide, 9.3 (Unix socket commands): `show info`, `show servers state` and `show stat` are of the
lowest level, each is asked over a connection of its own. A path is looked up as the process saw it when it started:
from the root of its mount namespace, for it may have changed its own root since (`chroot`). Who answers is judged
before anything is asked, and what answers for another process is no answer.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import stat
import struct
import time
from collections.abc import Iterator
from typing import Annotated, TypedDict

from hosttune.errors import HostError
from hosttune.host import proc
from hosttune.host.answers import Count, Is, MaybeAddress, Port, matches
from hosttune.host.probes import workers
from hosttune.host.probes.namespaces import identity
from hosttune.host.tree import Tree
from hosttune.model import Reason

_SECONDS, _SILENT = 10.0, 3.0  # for all questions together, and of nothing said at all
_LARGEST = 32 << 20  # bytes of one answer: a server is a line of about 400 in `show stat`
_ROWS = 100_000
_COLUMNS = 33  # of `show stat`, up to its type
_SOCKETS = 8  # a process that listens on more is asked at the first ones only
_PORTS = 65536
_WANTED = ("Pid", "Nbthread", "Ulimit-n", "Maxsock", "Maxconn", "Hard_maxconn", "Maxpipes", "CurrConns", "Stopping")
_is_name = matches("[A-Za-z0-9_.:-]{0,255}")  # invalid_char() of src/tools.c

Name = Annotated[str, Is(_is_name, "no name of HAProxy's")]
Path = Annotated[str, Is(matches(r"[^\0-\x1f\x7f]{1,4096}"), "no path")]


class Server(TypedDict):
    """A server: its address ("" where it has none) and port, its state (0 stopped, 1 starting, 2 runs, 3 stopping).

    `admin` are the bits of its administrative state (SRV_ADMF_* of include/haproxy/server-t.h), `name` the host name
    that its address comes from, "" where its line has an address.
    """

    section: Name
    server: Name
    address: MaybeAddress
    port: Port
    state: Count
    admin: Count
    weight: Count
    host: Name


class Row(TypedDict):
    """A row of `show stat`: `kind` 0 is a frontend, 1 a backend, 2 a server; `limit` 0 is none.

    `used` are its connections now, `queued` those that wait; `backup`: it is a backup server.
    """

    section: Name
    server: Name
    kind: Count
    used: Count
    queued: Count
    limit: Count
    backup: bool


class Answers(TypedDict):
    """What it says; `asked` is the path of the socket, `info` are numbers of `show info`."""

    asked: Path
    info: dict[Name, Count]
    servers: list[Server]
    rows: list[Row]


def run(pid: int, sockets: list[str], master: str = "") -> Answers:
    """Return the answers of a process at the first of its sockets that gives any; raises HostError.

    `master` is the socket of its master process, "" where it has none (`haproxy -S`, management guide, 9.4).
    """
    until = time.monotonic() + _SECONDS
    why: OSError | HostError = HostError(Reason.ABSENT, "it has no admin socket in the file system")
    ways = [*((path, "") for path in sockets[:_SOCKETS]), *([(master, "@1 ")] if master else [])]
    for path, prefix in ways:
        try:
            return _answers(pid, path, prefix, until)
        except (OSError, HostError) as error:
            why = error
    if isinstance(why, HostError):
        raise why
    reason = Reason.ABSENT if why.errno in (errno.ENOENT, errno.ECONNREFUSED) else Reason.UNREADABLE
    raise HostError(reason, f"{ways[-1][0]}: {why.strerror or why}")


def _answers(pid: int, path: str, prefix: str, until: float) -> Answers:
    lines = _Lines(pid, path, prefix, until)
    info = _info(lines.of("show info"))
    if info.get("Pid") not in _worker_ids(pid):
        raise HostError(Reason.ABSENT, f"{path}: another process answers there")
    servers = [*_servers(lines.of("show servers state"))][:_ROWS]
    return {"asked": path, "info": info, "servers": servers, "rows": [*_rows(lines.of("show stat"))][:_ROWS]}


class _Lines:
    """Questions to one socket."""

    def __init__(self, pid: int, path: str, prefix: str, until: float) -> None:
        self._pid, self._path, self._prefix, self._until = pid, path, prefix, until

    def of(self, question: str) -> list[str]:
        """Return the lines of an answer; raises OSError, HostError."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            self._wait(link)
            self._connect(link)
            link.sendall(f"{self._prefix}{question}\n".encode())
            # a master waits for more, and ends only once nothing more can come
            link.shutdown(socket.SHUT_WR)
            pieces, size = [], 0
            while piece := self._wait(link).recv(1 << 16):
                pieces.append(piece)
                size += len(piece)
                if size > _LARGEST:
                    raise HostError(Reason.UNREADABLE, f"{self._path}: an answer of more than {_LARGEST >> 20} MiB")
        return b"".join(pieces).decode("utf-8", "replace").split("\n")

    def _wait(self, link: socket.socket) -> socket.socket:
        left = self._until - time.monotonic()
        if left <= 0:
            raise HostError(Reason.UNREADABLE, f"{self._path}: no answer in {_SECONDS:g} s")
        link.settimeout(min(left, _SILENT))
        return link

    def _connect(self, link: socket.socket) -> None:
        """Connect to the very socket that the path led to, and look who made it before anything is sent."""
        with _tree(self._pid).opened(self._path, os.O_PATH) as fd:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                raise HostError(Reason.UNREADABLE, f"{self._path} is no socket")
            link.connect(f"/proc/self/fd/{fd}")
        _, uid, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in {0, *_users(self._pid)}:
            raise HostError(Reason.UNREADABLE, f"{self._path} is of user {uid}, not of process {self._pid}")


def _tree(pid: int) -> Tree:
    """Return the files as a process saw them at its start: those of its mount namespace, whatever its own root is."""
    own = identity(f"/proc/{pid}/ns/mnt")
    if own and own == identity("/proc/thread-self/ns/mnt"):
        return Tree()
    parent = workers.stat(pid).parent
    whose = parent if parent > 0 and own and identity(f"/proc/{parent}/ns/mnt") == own else pid
    return Tree(f"/proc/{whose}/root")


def _users(pid: int) -> set[int]:
    """Return the users of a process and of its parent, which has made its sockets where it is a worker."""
    found = set()
    for process in (pid, workers.stat(pid).parent):
        try:
            found.add(os.stat(f"/proc/{process}").st_uid)
        except OSError:
            continue
    return found


def _worker_ids(pid: int) -> set[int]:
    """Return the numbers that a process and its children have in their own namespace of processes."""
    return {_inner(process) for process in (pid, *workers.children(pid))}


def _inner(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            ids = proc.status(file.read(1 << 16).decode(errors="replace")).get("NSpid", "").split()
    except OSError:
        return -1
    return int(ids[-1]) if ids and ids[-1].isdecimal() else pid


def _info(lines: list[str]) -> dict[str, int]:
    """Return the lines NAME: NUMBER that are wanted; raises HostError where no HAProxy answers."""
    pairs = [line.partition(": ") for line in lines[:1024]]
    if ("Name", ": ", "HAProxy") not in pairs:
        raise HostError(Reason.UNREADABLE, "what answers at the socket is no HAProxy")
    return {name: int(value) for name, _, value in pairs if name in _WANTED and re.fullmatch(r"\d{1,18}", value, re.A)}


def _servers(lines: list[str]) -> Iterator[Server]:
    """Yield the servers of `show servers state`: a version, a line of names behind a #, a line for each."""
    names = next((line[1:].split() for line in lines if line.startswith("# ")), [])
    for line in lines:
        words = line.split(" ")
        if line.startswith("#") or len(words) < len(names) or not names:
            continue
        row = dict(zip(names, words, strict=False))
        yield {
            "section": _text(row, "be_name"),
            "server": _text(row, "srv_name"),
            "address": _address(row.get("srv_addr", "")),
            "port": _count(row, "srv_port") if _count(row, "srv_port") < _PORTS else 0,
            "state": _count(row, "srv_op_state"),
            "admin": _count(row, "srv_admin_state"),
            "weight": _count(row, "srv_uweight"),
            "host": _text(row, "srv_fqdn"),
        }


def _rows(lines: list[str]) -> Iterator[Row]:
    """Yield frontends, backends and servers of `show stat`: its names behind a #, and no text before the last of ours.

    What it quotes, such as the answers of checks, comes after these columns.
    """
    names = next((line[2:].split(",") for line in lines if line.startswith("# ")), [])[:_COLUMNS]
    for line in lines:
        row = dict(zip(names, line.split(",", _COLUMNS), strict=False))
        if row.get("type") not in ("0", "1", "2"):
            continue
        yield {
            "section": _text(row, "pxname"),
            "server": _text(row, "svname"),
            "kind": _count(row, "type"),
            "used": _count(row, "scur"),
            "queued": _count(row, "qcur"),
            "limit": _count(row, "slim"),
            "backup": row.get("bck") == "1" and row.get("act") == "0",
        }


def _text(row: dict[str, str], name: str) -> str:
    value = row.get(name, "")
    return value if value != "-" and _is_name(value) else ""


def _count(row: dict[str, str], name: str) -> int:
    value = row.get(name, "")
    return int(value) if re.fullmatch(r"\d{1,18}", value, re.A) else 0


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
