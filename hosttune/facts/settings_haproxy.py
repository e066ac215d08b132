"""What an haproxy.cfg says of descriptors: maxconn, and what HAProxy counts for itself beside it."""

from __future__ import annotations

import re
import shlex

from hosttune.model import Settings

_SPLICES = {"splice-auto", "splice-request", "splice-response"}
_STATS = 10  # connections of all stats sockets, src/cli.c, "stats maxconn"
_BESIDE = ("frontend", "listen", "peers")  # sections whose bind lines are listeners


def read(path: str, text: str) -> tuple[Settings, float | None]:
    """Return the settings, and the pipes of a connection, a quarter where it splices; what cannot be read says nothing.

    global.maxsock counts each address and port of a bind line, and of its shards, a stats socket and the connections
    of these, one descriptor for each server's check and two for its agent-check (src/haproxy.c, src/cli.c,
    src/check.c). Pipes are counted for every fourth connection (compute_ideal_maxpipes()).
    """
    numbers = {"maxconn": 0, "nbthread": 0, "fd-hard-limit": 0}
    section, kept, stats, most, strict, splices = "", 0, 0, _STATS, True, False
    inherited: dict[str, list[str]] = {"defaults": [], "": []}
    capped = False
    for line in text.split("\n"):
        words = _words(line)
        if not words:
            continue
        if re.fullmatch(r"(global|defaults|frontend|backend|listen|peers|resolvers|userlist|program|cache)", words[0]):
            section = words[0]
            inherited[""] = [] if section == "defaults" else inherited["defaults"]
            inherited["defaults"] = [] if section == "defaults" else inherited["defaults"]
        elif section == "global":
            if words[0] in numbers and len(words) > 1 and words[1].isdecimal():
                numbers[words[0]] = int(words[1][:9])
            elif words[:2] == ["stats", "socket"]:
                stats += 1
            elif words[:2] == ["stats", "maxconn"] and words[2:] and words[2].isdecimal():
                most = int(words[2][:9])
            elif words == ["no", "strict-limits"]:
                strict = False
        elif words[0] == "bind" and section in _BESIDE and len(words) > 1:
            kept += _listeners(words)
        elif words[0] == "default-server" and section != "global":
            inherited["defaults" if section == "defaults" else ""] = words[1:]
        elif words[0] in ("server", "server-template") and section in ("backend", "listen"):
            kept += _checks(words, inherited[""])
        elif words[0] == "option" and _SPLICES & set(words[1:2]):
            splices = True
        elif words[0] == "maxconn" and section in ("defaults", "frontend", "listen"):
            capped = True
    return (
        Settings(
            program="haproxy",
            path=path,
            maxconn=numbers["maxconn"],
            kept=kept + (stats + most if stats else 0),
            threads=numbers["nbthread"] or None,
            strict=strict,
            ceiling=numbers["fd-hard-limit"],
            notes=(f"{path}: a maxconn of a section is not counted",) if capped else (),
        ),
        0.25 if splices else None,
    )


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []  # reading the servers has told


def _listeners(words: list[str]) -> int:
    """Return the listeners of a bind line: ADDRESS:LO[-HI],... and shards N."""
    count = 0
    for address in words[1].split(","):
        span = re.search(r":(\d{1,5})-(\d{1,5})$", address)
        count += int(span[2]) - int(span[1]) + 1 if span else 1
    shards = words[words.index("shards") + 1] if "shards" in words[:-1] else "1"
    return count * int(shards[:4]) if shards.isdecimal() else count


def _checks(words: list[str], inherited: list[str]) -> int:
    """Return the descriptors of a server's checks; of a template's for as many servers."""
    used = [*inherited, *words[2:]]
    each = _is_on(used, "check") + 2 * _is_on(used, "agent-check")
    if words[0] == "server":
        return each
    many = re.fullmatch(r"(?:(\d{1,6})-)?(\d{1,6})", words[2]) if len(words) > 2 else None
    return each * (int(many[2]) - int(many[1] or 1) + 1) if many else each


def _is_on(words: list[str], key: str) -> bool:
    last = [word for word in words if word in (key, f"no-{key}")]
    return last[-1:] == [key]
