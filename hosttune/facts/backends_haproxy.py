"""Backends and sources of an haproxy.cfg: its server lines, and what `source` says about each."""

from __future__ import annotations

import ipaddress
import shlex

from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.host import Host
from hosttune.model import Backend, BindMode

_SECTIONS = (
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "resolvers",
    "userlist",
    "program",
    "cache",
)
_MOST = 100_000


def read(host: Host, path: str, text: str) -> tuple[tuple[Backend, ...], backends.Hint | None, tuple[str, ...]]:
    """Return the backends, the bind mode and notes; raises UsageError `file:line` where a line cannot be read.

    Without a port range HAProxy sets IP_BIND_ADDRESS_NO_PORT (src/proto_tcp.c); with `source ADDRESS:LO-HI` it binds
    explicitly, from a ring of ports of each server's own. A range may stand on a server line or in default-server only
    (src/cfgparse-listen.c); the copy that a server gets of default-server's ring has one port more, for its spare slot
    is taken for a port (src/server.c, srv_conn_src_sport_range_cpy). A range without an address is not bound to.
    """
    found: list[tuple[Backend, str]] = []
    spans: list[tuple[int, int]] = []
    notes: list[str] = []
    section, inherited = "", {"defaults": "", "": ""}
    for number, line in enumerate(text.split("\n"), 1):
        words = _words(line, f"{path}:{number}")
        if not words:
            continue
        if words[0] in _SECTIONS:
            section = words[0]
            # each defaults section begins anew, and what follows it inherits from it
            inherited = {"defaults": "" if section == "defaults" else inherited["defaults"], "": inherited["defaults"]}
        elif words[0] in ("source", "default-server") and section in ("defaults", "backend", "listen"):
            source = words[1] if words[0] == "source" and len(words) > 1 else _after(words, "source")
            if words[0] == "source" and "$" not in source and _source(source, f"{path}:{number}")[1]:
                where = "takes a range of ports on a server line only"
                raise UsageError(f"{path}:{number}: HAProxy {where}; write source {source} there")
            if source:
                inherited["defaults" if section == "defaults" else ""] = source
        elif words[0] in ("server", "server-template") and section in ("backend", "listen"):
            at = 2 if words[0] == "server" else 3
            if len(words) <= at:
                raise UsageError(f"{path}:{number}: server without an address; write server NAME HOST:PORT")
            if words[at].startswith(("unix@", "abns@", "/")) or "$" in words[at]:
                notes.append(f"{path}:{number}: {words[at]} is no address to count ports towards; skipped")
                continue
            target = words[at].removeprefix("ipv4@").removeprefix("ipv6@")
            own = _after(words[at + 1 :], "source")
            given = own or inherited[""]
            if "$" in given:
                notes.append(f"{path}:{number}: source {given} is set by the environment; routing's choice is counted")
                given = ""
            source, span = _source(given, f"{path}:{number}")
            if span and not source:
                most = f"{span[1] - span[0] + 1:,} connections of each server"
                notes.append(f"{path}:{number}: without an address HAProxy binds to no port; {given} caps at {most}")
                span = None
            elif span and not own and span[1] < 65535:
                span = (span[0], span[1] + 1)
                notes.append(f"{path}:{number}: HAProxy takes a range of default-server one port too far: {span[1]}")
            spans.extend([span] if span else [])
            found.append((backends.parse(host, target, f"{path}:{number}"), source))
    if not found:
        raise UsageError(f"--backends-from {path}: no server line in it; name the backends with --backend")
    if spans and len(set(spans)) + (len(spans) != len(found)) > 1:
        notes.append(f"{path}: sources with several port ranges or none; the first range is taken for all")
    hint = (BindMode.EXPLICIT, spans[0]) if spans else (BindMode.NO_PORT, None)
    return backends.merge(found), hint, tuple(notes)


def _words(line: str, where: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise UsageError(f"{where}: {error}; close the quote") from error


def _after(words: list[str], key: str) -> str:
    return next((words[i + 1] for i, word in enumerate(words[:-1]) if word == key), "")


def _source(text: str, where: str) -> tuple[str, tuple[int, int] | None]:
    """Split ADDRESS[:LO-HI]; an unspecified address leaves the choice to routing."""
    text = text.removeprefix("ipv4@").removeprefix("ipv6@")
    address, colon, ports = text.rpartition(":")
    span = None
    if colon and "-" in ports:
        span = backends.span(ports, where)
        text = address
    elif colon and (":" not in address or address.endswith("]")):
        text = address
    text = text.strip("[]")
    if text in ("", "*", "0.0.0.0", "::"):
        return "", span
    try:
        return str(ipaddress.ip_address(text)), span
    except ValueError as error:
        raise UsageError(f"{where}: source {text!r} is no address; write a numeric one") from error
