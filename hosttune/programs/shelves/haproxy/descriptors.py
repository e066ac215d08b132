"""What an haproxy.cfg says of descriptors: maxconn, and what HAProxy counts for itself beside it."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.model import Settings
from hosttune.programs.shelves.haproxy import limits, options
from hosttune.programs.shelves.haproxy.proxies import Proxy, ServerLine, servers
from hosttune.programs.shelves.haproxy.sections import Directive, Section

_SPLICES = {"splice-auto", "splice-request", "splice-response"}
_STATS = 10  # connections of all stats sockets, src/cli.c, "stats maxconn"
_BESIDE = ("frontend", "listen", "peers", "log-forward")  # sections whose bind lines are listeners
_BINDS = ("bind", "dgram-bind")


def settings(path: str, every: Sequence[Section], proxies: Sequence[Proxy]) -> tuple[Settings, float | None]:
    """Return the settings, and the pipes of a connection, a quarter where it splices; what cannot be read says nothing.

    global.maxsock counts each address and port of a bind line, and of its shards, a stats socket and the connections
    of these, one descriptor for each server's check and two for its agent-check (src/haproxy.c, src/cli.c,
    src/check.c). Pipes are counted for every fourth connection (compute_ideal_maxpipes()).
    """
    general = [line for section in every if section.kind == "global" for line in section.directives]
    stats = sum(line.words[:2] == ("stats", "socket") for line in general)
    most = _number(general, "stats", "maxconn")
    kept = stats + (_STATS if most is None else most) if stats else 0
    binds = (line for section in every if section.kind in _BESIDE for line in section.directives if line.name in _BINDS)
    kept += sum(map(limits.listeners, binds))
    kept += sum(map(_checks, servers(proxies)))
    lines = (line for section in every if section.kind != "global" for line in section.named("option"))
    configured = Settings(
        program="haproxy",
        path=path,
        maxconn=next((limit.value for limit in limits.of_all(every) if limit.setting == "maxconn"), 0),
        kept=kept,
        threads=_number(general, "nbthread") or None,
        strict=all(line.words != ("no", "strict-limits") for line in general),
        ceiling=_number(general, "fd-hard-limit") or 0,
    )
    return configured, 0.25 if any(_SPLICES & set(line.words[1:2]) for line in lines) else None


def sockets(every: Sequence[Section]) -> tuple[str, ...]:
    """Return the paths of the admin sockets in the file system, behind the prefix that stands before them.

    Those of a network address, and abstract ones, are none (src/cli.c, cli_parse_global()).
    """
    prefix, paths = "", []
    for line in (line for section in every if section.kind == "global" for line in section.directives):
        if line.name == "unix-bind":
            prefix = line.after("prefix", 1) or prefix
        elif line.words[:2] == ("stats", "socket") and len(line.words) > 2:
            path = line.words[2].removeprefix("unix@").removeprefix("uxst@")
            if path.startswith("/") or line.words[2].startswith(("unix@", "uxst@")):
                paths.append(prefix + path)
    return tuple(dict.fromkeys(paths))


def _number(lines: Sequence[Directive], *name: str) -> int | None:
    """Return the number behind some words, of the last line that has one."""
    given = ("".join(line.words[len(name) : len(name) + 1]) for line in lines if line.words[: len(name)] == name)
    return next((number for text in reversed([*given]) if (number := options.number(text)) is not None), None)


def _checks(server: ServerLine) -> int:
    """Return the descriptors of a server's checks; of a template's for as many servers."""
    return (server.options.checked + 2 * server.options.agent) * len(server.slots)
