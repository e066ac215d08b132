"""From which address and ports a server is reached: `source` of its line, of default-server, of its backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.model import OwnLimit
from hosttune.programs.shelves.haproxy import addresses, grammar, words
from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.options import Options, Source
from hosttune.programs.shelves.haproxy.sections import Section

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections come from: `address` "" is routing's choice, `span` the ports that HAProxy binds to itself.

    `device` is the interface that it binds its sockets to. `most` is a limit that a range sets without being
    bound to; `unknown` says why nobody can count them here, `answers` that HAProxy takes the line nonetheless.
    """

    address: str = ""
    span: Span | None = None
    most: OwnLimit | None = None
    unknown: str = ""
    answers: bool = False
    device: str = ""


def check(sections: Sequence[Section]) -> None:
    """Raise UsageError for a range of ports that HAProxy refuses (src/cfgparse-listen.c: no PA_O_PORT_RANGE there)."""
    for section in sections:
        for line in section.named("source") if section.kind in grammar.WITH_DEFAULTS - {"frontend"} else ():
            text = line.words[1] if len(line.words) > 1 else ""
            try:
                ports = addresses.span(text)[1]
            except addresses.NoAddress:
                continue
            if ports and ports[0] < ports[1]:
                refused = "takes a range of ports on a server line only"
                raise UsageError(f"{line.where}: HAProxy {refused}; write source {text} there")


def origin(options: Options, of_backend: Source | None, where: str, notes: Notes) -> Origin:
    """Return where a server's connections come from: its own `source` wins over that of the backend.

    Without a port range HAProxy sets IP_BIND_ADDRESS_NO_PORT; with `source ADDRESS:LO-HI` it binds explicitly, from a
    ring of ports of each server's own (src/proto_tcp.c, tcp_connect_server()). The copy that a server gets of the ring
    of default-server has one port more, for its spare slot is taken for a port (src/server.c,
    srv_conn_src_sport_range_cpy()); those that a template copies once more have it too, but go to the same place. What
    has no address is not bound to.
    """
    source = options.source or of_backend
    if source is None or not (source.address or source.instead):
        return Origin()
    if names := words.variables(source.address) + words.variables(source.instead):
        notes.add(source.where, f"${{{names[0]}}} of source is set nowhere that was read; routing's choice is counted")
        return Origin()
    if source.instead:
        return _instead(source, where)
    if source.interface:
        notes.add(source.where, f"source through {source.interface}: its own routes and addresses are not checked")
    try:
        address, span = addresses.span(source.address)
    except addresses.NoAddress as error:
        return Origin(unknown=f"{where}: source {source.address}: {error}")
    if span and not address:
        return _without_address(source, span, where, notes, options.inherited)
    if span and options.inherited and span[0] < span[1] < 65535:
        span = (span[0], span[1] + 1)
        text = f"HAProxy 2.6 takes a range of default-server one port too far, to {span[1]}; 3.2 does not"
        notes.add(where, text, "a range of default-server is taken one port too far")
    return Origin(address, span, device=source.interface)


def _instead(source: Source, where: str) -> Origin:
    """Return what `usesrc` comes to: an address of its own, or one of each client's."""
    try:
        address, _ = addresses.span(source.instead)
        if address:
            return Origin(address)
    except addresses.NoAddress:
        pass
    why = "each client's own address has source ports of its own, whatever addresses this host has"
    return Origin(unknown=f"{where}: source {source.address} usesrc {source.instead}: {why}", answers=True)


def _without_address(source: Source, span: Span, where: str, notes: Notes, copied: bool) -> Origin:
    low, high = span
    if low == high:
        return Origin()
    count = high - low + 1 + copied
    text = f"without an address HAProxy binds to no port; {source.address} caps at {count:,} connections of each server"
    notes.add(where, text)
    limit = OwnLimit(
        "maxconn",
        count,
        "ports in the range of source",
        where=source.where,
        fails="connect: no free port of its range is left (CO_ER_PORT_RANGE)",
    )
    return Origin(most=limit)
