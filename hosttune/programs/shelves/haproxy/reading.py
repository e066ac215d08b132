"""What an haproxy.cfg comes to: the backends of its server lines, what `source` says about each, and its settings."""

from __future__ import annotations

import ipaddress

from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.host import Host
from hosttune.model import Backend, BindMode
from hosttune.programs.configuration import Configured
from hosttune.programs.shelves.haproxy import descriptors, sections
from hosttune.programs.shelves.haproxy.sections import Section, Server

Span = tuple[int, int]


def read(host: Host, path: str, text: str) -> Configured:
    """Return backends, bind mode, notes and settings; raises UsageError `file:line` where a line cannot be read.

    Without a port range HAProxy sets IP_BIND_ADDRESS_NO_PORT (src/proto_tcp.c); with `source ADDRESS:LO-HI` it binds
    explicitly, from a ring of ports of each server's own. A range may stand on a server line or in default-server only
    (src/cfgparse-listen.c); the copy that a server gets of default-server's ring has one port more, for its spare slot
    is taken for a port (src/server.c, srv_conn_src_sport_range_cpy). A range without an address is not bound to.
    """
    every = sections.read(path, text)
    _check(every)
    notes: list[str] = []
    servers = [dialled for server in sections.servers(every) if (dialled := _dialled(host, server, notes))]
    if not servers:
        raise UsageError(f"--backends-from {path}: no server line in it; name the backends with --backend")
    spans = [span for _, _, span in servers if span]
    if spans and len(set(spans)) + (len(spans) != len(servers)) > 1:
        notes.append(f"{path}: sources with several port ranges or none; the first range is taken for all")
    hint = (BindMode.EXPLICIT, spans[0]) if spans else (BindMode.NO_PORT, None)
    rows = [(backend, source) for backend, source, _ in servers]
    return Configured(backends.merge(rows), hint, tuple(notes), *descriptors.settings(path, every))


def _check(every: tuple[Section, ...]) -> None:
    """Raise UsageError for a line that cannot be taken apart, and for a source that HAProxy refuses."""
    for section in every:
        for directive in section.directives:
            if directive.wrong:
                raise UsageError(f"{directive.where}: {directive.wrong}; close the quote")
        for directive in section.named("source") if section.kind in sections.WITH_DEFAULTS else ():
            source = "".join(directive.words[1:2])
            if "$" not in source and _source(source, directive.where)[1]:
                refused = "takes a range of ports on a server line only"
                raise UsageError(f"{directive.where}: HAProxy {refused}; write source {source} there")


def _dialled(host: Host, server: Server, notes: list[str]) -> tuple[Backend, str, Span | None] | None:
    """Return backend, source and ports of a server line, None where they are not counted; adds what is to be said."""
    line, at = server.directive, 3 if server.is_template else 2
    if len(line.words) <= at:
        raise UsageError(f"{line.where}: server without an address; write server NAME HOST:PORT")
    target = line.words[at]
    if target.startswith(("unix@", "abns@", "/")) or "$" in target:
        notes.append(f"{line.where}: {target} is no address to count ports towards; skipped")
        return None
    source, span = _bound(server, line.after("source", at + 1), notes)
    return backends.parse(host, _plain(target), line.where), source, span


def _bound(server: Server, own: str, notes: list[str]) -> tuple[str, Span | None]:
    """Return the address and the ports that a server's connections are bound to; `own` stands on its line."""
    given, where = own or server.source, server.directive.where
    if "$" in given:
        notes.append(f"{where}: source {given} is set by the environment; routing's choice is counted")
        return "", None
    source, span = _source(given, where)
    if span and not source:
        most = f"{span[1] - span[0] + 1:,} connections of each server"
        notes.append(f"{where}: without an address HAProxy binds to no port; {given} caps at {most}")
        return source, None
    if span and not own and span[1] < 65535:
        span = (span[0], span[1] + 1)
        notes.append(f"{where}: HAProxy takes a range of default-server one port too far: {span[1]}")
    return source, span


def _source(text: str, where: str) -> tuple[str, Span | None]:
    """Split ADDRESS[:LO-HI]; an unspecified address leaves the choice to routing."""
    text = _plain(text)
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


def _plain(address: str) -> str:
    return address.removeprefix("ipv4@").removeprefix("ipv6@")
