"""Backends of an nginx.conf: the servers of its upstreams, proxy_pass to a host, and proxy_bind."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from typing import Any

from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.host import Host
from hosttune.model import Backend, BindMode


def read(host: Host, path: str, text: str) -> tuple[tuple[Backend, ...], backends.Hint | None, tuple[str, ...]]:
    """Return the backends, the bind mode and notes; raises UsageError.

    With proxy_bind nginx sets IP_BIND_ADDRESS_NO_PORT (since 1.11.4, src/event/ngx_event_connect.c), else it only
    connects.
    """
    statements = list(_statements(path, text))
    binds = [s["args"][0] for s in statements if s["directive"] == "proxy_bind" and s["args"]]
    sources = [b for b in dict.fromkeys(binds) if re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]+:[0-9a-fA-F:]*", b)]
    source = backends.parse_sources(sources[:1])[0] if sources else ""
    names = {s["args"][0] for s in statements if s["directive"] == "upstream" and s["args"]}
    found: list[tuple[Backend, str]] = []
    notes: list[str] = (
        [f"{path}: include is not followed"] if any(s["directive"] == "include" for s in statements) else []
    )
    if len(set(binds)) > 1 or len(sources) < len(set(binds)):
        chosen = source or "routing's choice"
        notes.append(f"{path}: several proxy_bind, or one that is no plain address; {chosen} is counted for all")
    for statement in statements:
        where = f"{path}:{statement['line']}"
        target = _target(statement, names)
        if target.startswith("unix:") or "$" in target:
            notes.append(f"{where}: {target} is no address to count ports towards; skipped")
        elif target:
            found.append((backends.parse(host, target, where), source))
    if not found:
        raise UsageError(f"--backends-from {path}: no upstream server in it; name the backends with --backend")
    return backends.merge(found), (BindMode.NO_PORT if source else BindMode.CONNECT, None), tuple(notes)


def _target(statement: dict[str, Any], names: set[str]) -> str:
    args = statement["args"]
    if statement["directive"] == "server" and statement["upstream"] and args:
        target = str(args[0])
    elif statement["directive"] == "proxy_pass" and args:
        target = re.sub(r"^(https?)://", "", str(args[0])).partition("/")[0]
        if target in names:
            return ""
    else:
        return ""
    if target.startswith("unix:") or re.search(r":\d+$", target):
        return target
    return f"{target}:443" if str(args[0]).startswith("https://") else f"{target}:80"


def _statements(path: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        import crossplane
    except ImportError as error:
        raise UsageError("--backends-from: nginx.conf takes the extra: pip install 'hosttune[nginx]'") from error
    with tempfile.NamedTemporaryFile("w", suffix=".conf", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        parsed = crossplane.parse(file.name, single=True, strict=False, check_ctx=False, check_args=False)
    for wrong in parsed["errors"][:1]:
        said = str(wrong["error"]).partition(" in ")[0]
        raise UsageError(f"{path}:{wrong.get('line') or 1}: {said}; fix it, `nginx -t` shows where")
    yield from _walk(parsed["config"][0]["parsed"], False)


def _walk(block: list[dict[str, Any]], upstream: bool) -> Iterator[dict[str, Any]]:
    for statement in block:
        yield {**statement, "upstream": upstream}
        yield from _walk(statement.get("block") or [], statement["directive"] == "upstream")
