"""What an haproxy.cfg says of descriptors: maxconn, and what HAProxy counts for itself beside it."""

from __future__ import annotations

import re

from hosttune.model import Settings
from hosttune.programs.shelves.haproxy import sections
from hosttune.programs.shelves.haproxy.sections import Directive, Section, Server

_SPLICES = {"splice-auto", "splice-request", "splice-response"}
_STATS = 10  # connections of all stats sockets, src/cli.c, "stats maxconn"
_CAPPED = ("defaults", "frontend", "listen")
_BESIDE = ("frontend", "listen", "peers")  # sections whose bind lines are listeners


def settings(path: str, every: tuple[Section, ...]) -> tuple[Settings, float | None]:
    """Return the settings, and the pipes of a connection, a quarter where it splices; what cannot be read says nothing.

    global.maxsock counts each address and port of a bind line, and of its shards, a stats socket and the connections
    of these, one descriptor for each server's check and two for its agent-check (src/haproxy.c, src/cli.c,
    src/check.c). Pipes are counted for every fourth connection (compute_ideal_maxpipes()).
    """
    general = [line for section in every if section.kind == "global" for line in section.directives]
    stats = sum(line.words[:2] == ("stats", "socket") for line in general)
    most = _number(general, "stats", "maxconn")
    kept = stats + (_STATS if most is None else most) if stats else 0
    kept += sum(_listeners(line) for section in every if section.kind in _BESIDE for line in section.named("bind"))
    kept += sum(map(_checks, sections.servers(every)))
    capped = any(any(section.named("maxconn")) for section in every if section.kind in _CAPPED)
    options = (line for section in every if section.kind != "global" for line in section.named("option"))
    configured = Settings(
        program="haproxy",
        path=path,
        maxconn=_number(general, "maxconn") or 0,
        kept=kept,
        threads=_number(general, "nbthread") or None,
        strict=all(line.words != ("no", "strict-limits") for line in general),
        ceiling=_number(general, "fd-hard-limit") or 0,
        notes=(f"{path}: a maxconn of a section is not counted",) if capped else (),
    )
    return configured, 0.25 if any(_SPLICES & set(line.words[1:2]) for line in options) else None


def _number(lines: list[Directive], *name: str) -> int | None:
    """Return the number behind some words, of the last line that has one."""
    given = ("".join(line.words[len(name) : len(name) + 1]) for line in lines if line.words[: len(name)] == name)
    return next((int(text[:9]) for text in reversed([*given]) if text.isdecimal()), None)


def _listeners(line: Directive) -> int:
    """Return the listeners of a bind line: ADDRESS:LO[-HI],... and shards N."""
    count = 0
    for address in line.words[1].split(",") if len(line.words) > 1 else ():
        span = re.search(r":(\d{1,5})-(\d{1,5})$", address)
        count += int(span[2]) - int(span[1]) + 1 if span else 1
    shards = line.after("shards")
    return count * int(shards[:4]) if shards.isdecimal() else count


def _checks(server: Server) -> int:
    """Return the descriptors of a server's checks; of a template's for as many servers."""
    words = server.directive.words
    used = [*server.defaults, *words[2:]]
    each = _is_on(used, "check") + 2 * _is_on(used, "agent-check")
    if not server.is_template:
        return each
    many = re.fullmatch(r"(?:(\d{1,6})-)?(\d{1,6})", words[2]) if len(words) > 2 else None
    return each * (int(many[2]) - int(many[1] or 1) + 1) if many else each


def _is_on(words: list[str], key: str) -> bool:
    last = [word for word in words if word in (key, f"no-{key}")]
    return last[-1:] == [key]
