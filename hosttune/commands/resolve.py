"""Say what configuration files make of every key and every login or unit, and which line decides."""

from __future__ import annotations

import json
from typing import Any

from hosttune.errors import HostError, UsageError
from hosttune.facts.kinds import nofile, sysctl
from hosttune.host import Host, is_image, text
from hosttune.model import Origin, Unknown, Value
from hosttune.render.view import resolved
from hosttune.resolve.pam_limits import LoginLimits, resolve_login
from hosttune.resolve.sysctl_files import Resolution
from hosttune.resolve.sysctl_value import LISTS, display, kernel_value, normalise, shape_of, valid_key
from hosttune.resolve.systemd_limits import nr_open_at_boot, resolve_unit
from hosttune.workflows.opening import check_format, open_host, remembering

SCHEMA = "hosttune/resolve/1"


def run(keys: list[str], users: list[str], units: list[str], root: str, snapshot: str, format: str) -> int:
    """Print the resolution of the named keys, logins and units; of all keys and of root where none is named.

    Returns 1 where a key is now another than a boot will make it, else 0.
    """
    check_format(format)
    wrong = next((key for key in keys if not valid_key(key)), None)
    if wrong is not None:
        raise UsageError(f"{wrong!r}: not a sysctl key; write it like net.core.somaxconn")
    host = open_host(root, snapshot)
    with remembering(host):
        found = document(host, [display(normalise(key)) for key in keys], users, units)
    print(json.dumps(found, indent=1) if format == "json" else resolved.table(found))
    return int(any(row["differs"] for row in found["sysctl"].values()))


def document(host: Host, keys: list[str], users: list[str], units: list[str]) -> dict[str, Any]:
    """Return the whole answer as plain values; `keys` empty means every key that a file sets."""
    nothing_named = not (keys or users or units)
    files = sysctl.files(host, tuple(keys))
    passing = files.now.values.items() if files.now else ()
    every = sorted({*files.boot.values, *files.reload.values})
    named = keys or (every if nothing_named else [])
    logins = users or (["root"] if nothing_named and text(host, "/etc/passwd") else [])
    return {
        "schema": SCHEMA,
        "rules": {"systemd": files.boot.loader, "procps": files.reload.loader},
        "sysctl": {key: _key(host, key, files) for key in named},
        "nofile": {
            "login": {user: _login(host, user) for user in logins},
            "unit": {unit: _unit(host, unit) for unit in units},
        },
        "warnings": [
            *dict.fromkeys([*files.boot.warnings, *files.reload.warnings]),
            *(
                f"{found.origin} sets {key} to {found.text} until the next boot: /run is empty then"
                for key, found in passing
                if found.origin.path.startswith("/run/") and (nothing_named or key in named)
            ),
        ],
    }


def _key(host: Host, key: str, files: sysctl.Files) -> dict[str, Any]:
    runtime = _runtime(host, key)
    count = runtime.pop("count")
    row = {
        "systemd": _resolved_by(files.boot, key, count),
        "procps": _resolved_by(files.reload, key, count),
        "runtime": runtime,
    }
    texts = [side["text"] if side else None for side in (row["systemd"], row["procps"])]
    return {**row, "agree": texts[0] == texts[1], "differs": _differs(row)}


def _differs(row: dict[str, Any]) -> bool:
    """Say whether a value that can be read now is another than a file sets at boot, if the kernel takes that."""
    now, boot = row["runtime"]["value"], row["systemd"]["value"] if row["systemd"] else None
    return now is not None and boot is not None and now != boot


def _runtime(host: Host, key: str) -> dict[str, Any]:
    if is_image(host):
        return {"text": None, "value": None, "unknown": "an image has no kernel", "count": None}
    try:
        text = host.read(f"/proc/sys/{normalise(key)}")
    except HostError as error:
        return {"text": None, "value": None, "unknown": str(error), "count": None}
    count = shape_of(text, key)
    return {"text": text.rstrip("\n"), "value": _plain(kernel_value(text, count)), "unknown": None, "count": count}


def _resolved_by(resolution: Resolution, key: str, count: int | None) -> dict[str, Any] | None:
    found = resolution.values.get(key)
    if found is None:
        return None
    value = kernel_value(found.text, 0 if key in LISTS else count)
    return {
        "text": found.text,
        "value": _plain(value),
        "refused": str(value) if isinstance(value, Unknown) else None,
        **_place(found.origin),
        "beats": [{**_place(o), "text": o.text} for o in found.beaten],
    }


def _login(host: Host, user: str) -> dict[str, Any]:
    try:
        found: LoginLimits = resolve_login(host, user)
    except HostError as error:
        raise UsageError(f"--user {user}: {error}; name a user of /etc/passwd") from error
    return {
        "soft": _plain(found.soft),
        "hard": _plain(found.hard),
        "refused": found.refused,
        "soft_origin": str(found.soft_origin) if found.soft_origin else None,
        "hard_origin": str(found.hard_origin) if found.hard_origin else None,
        "lines": [{**_place(o), "text": o.text} for o in found.lines],
        "beats": [{**_place(o), "text": o.text} for o in found.beaten],
        "notes": [*found.notes, *(str(v) for v in (found.soft, found.hard) if isinstance(v, Unknown))],
    }


def _unit(host: Host, unit: str) -> dict[str, Any]:
    found = resolve_unit(host, unit, nr_open_at_boot(host))
    return {
        "exists": found.exists,
        "soft": _plain(found.soft),
        "hard": _plain(found.hard),
        "lines": [{**_place(found.origin), "text": found.origin.text}] if found.origin else [],
        "beats": [{**_place(o), "text": o.text} for o in found.beaten],
        "notes": [
            *found.notes,
            *nofile.until_boot(host, unit),
            *(str(v) for v in (found.soft, found.hard) if isinstance(v, Unknown)),
        ],
    }


def _place(origin: Origin) -> dict[str, Any]:
    return {"file": origin.path, "line": origin.line}


def _plain(value: Value | Unknown | None) -> Any:
    if isinstance(value, Unknown):
        return None
    return list(value) if isinstance(value, tuple) else value
