"""What an nginx.conf comes to: the servers of its upstreams, proxy_pass to a host, and proxy_bind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.host import Host
from hosttune.model import Backend, BindMode, Settings
from hosttune.programs.configuration import Configured

_ADDRESS = r"(\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]+:[0-9a-fA-F:]*"


@dataclass(frozen=True, slots=True)
class Statement:
    """A directive with its arguments; `within` are the names of the blocks about it, `where` is file:line."""

    name: str
    args: tuple[str, ...]
    where: str
    within: tuple[str, ...]


def recognises(text: str) -> bool:
    """Say whether it has the blocks of an nginx.conf."""
    return re.search(r"^[ \t]*(upstream|http|stream|events)\b[^\n{]*\n?[ \t]*\{", text, re.M) is not None


def read(host: Host, path: str, text: str) -> Configured:
    """Return the backends, the bind mode, notes and settings; raises UsageError.

    With proxy_bind nginx sets IP_BIND_ADDRESS_NO_PORT (since 1.11.4, src/event/ngx_event_connect.c), else it only
    connects.
    """
    every = statements(path, text)
    notes = [f"{path}: include is not followed"] if any(s.name == "include" for s in every) else []
    source = _source(path, every, notes)
    names = {s.args[0] for s in every if s.name == "upstream" and s.args}
    rows: list[tuple[Backend, str]] = []
    for statement in every:
        target = _target(statement, names)
        if target.startswith("unix:") or "$" in target:
            notes.append(f"{statement.where}: {target} is no address to count ports towards; skipped")
        elif target:
            rows.append((backends.parse(host, target, statement.where), source))
    if not rows:
        raise UsageError(f"--backends-from {path}: no upstream server in it; name the backends with --backend")
    hint = (BindMode.NO_PORT if source else BindMode.CONNECT, None)
    return Configured(backends.merge(rows), hint, tuple(notes), Settings("nginx", path))


def _source(path: str, every: tuple[Statement, ...], notes: list[str]) -> str:
    """Return the address that is bound to, "" for routing's choice; adds a note where others are bound to as well."""
    binds = dict.fromkeys(s.args[0] for s in every if s.name == "proxy_bind" and s.args)
    sources = [bind for bind in binds if re.fullmatch(_ADDRESS, bind)]
    source = backends.parse_sources(sources[:1])[0] if sources else ""
    if len(binds) > 1 or len(sources) < len(binds):
        chosen = source or "routing's choice"
        notes.append(f"{path}: several proxy_bind, or one that is no plain address; {chosen} is counted for all")
    return source


def _target(statement: Statement, names: set[str]) -> str:
    """Return where a statement sends connections, with a port; "" where to none, or to an upstream by its name."""
    if statement.name not in ("server", "proxy_pass") or not statement.args:
        return ""
    given = target = statement.args[0]
    if statement.name == "server" and statement.within[-1:] != ("upstream",):
        return ""
    if statement.name == "proxy_pass":
        target = re.sub(r"^(https?)://", "", given).partition("/")[0]
        if target in names:
            return ""
    if target.startswith("unix:") or re.search(r":\d+$", target):
        return target
    return f"{target}:443" if given.startswith("https://") else f"{target}:80"


def statements(path: str, text: str) -> tuple[Statement, ...]:
    """Return all directives in order, those of a block behind the one that opens it; raises UsageError."""
    import tempfile

    try:
        import crossplane
    except ImportError as error:
        raise UsageError("--backends-from: nginx.conf takes the extra: pip install 'hosttune[nginx]'") from error
    with tempfile.NamedTemporaryFile("w", suffix=".conf", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        parsed = crossplane.parse(file.name, single=True, strict=False, check_ctx=False, check_args=False)
    for wrong in parsed["errors"][:1]:
        message = str(wrong["error"]).partition(" in ")[0]
        raise UsageError(f"{path}:{wrong.get('line') or 1}: {message}; fix it, `nginx -t` shows where")
    return tuple(_walk(path, parsed["config"][0]["parsed"], ()))


def _walk(path: str, block: list[dict[str, Any]], within: tuple[str, ...]) -> Iterator[Statement]:
    for row in block:
        name = row["directive"]
        yield Statement(name, tuple(map(str, row["args"])), f"{path}:{row['line']}", within)
        yield from _walk(path, row.get("block") or [], (*within, name))
