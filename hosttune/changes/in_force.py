"""Whether what a run wrote is in force at its end: success means that it holds, not that it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from hosttune.changes import backends, entries, transaction
from hosttune.changes.order import lasting
from hosttune.errors import HostError
from hosttune.facts import writers
from hosttune.host import Host
from hosttune.model import Change, FileState, State
from hosttune.model.acting import Lost
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.systemd_limits import manager_default, nr_open_at_boot, resolve_unit


def lost(host: Host, changes: Sequence[Change]) -> tuple[Lost, ...]:
    """Return what of the changes of a record, as they were read back, is not in force any more.

    A value that the kernel has rounded was read back rounded. A process that has ended took its limits with it.
    """
    found: list[Lost] = []
    for change in lasting(changes):
        now = _now(host, change)
        if isinstance(now, HostError):
            found.append(Lost(change.target, "now", _shown(change.after), f"nothing that can be read ({now})"))
        elif not transaction.is_ours(change, now):
            by = writers.holders(host, change.target) if change.backend == "sysctl" else ()
            holds = "another text, mode or owner" if isinstance(now, FileState) else _shown(now)
            found.append(Lost(change.target, "now", _shown(change.after), holds, by))
        elif change.backend == "file":
            found += _at_boot(host, change)
    return tuple(found)


def _now(host: Host, change: Change) -> State | HostError:
    try:
        return backends.read(host, change.backend, change.target)
    except HostError as error:
        return error


def _at_boot(host: Host, change: Change) -> Iterator[Lost]:
    """Return the settings that are new in a file of ours and do not come into force at the next boot or login."""
    for prefix, key, resolve in _FILES:
        if not change.target.startswith(prefix):
            continue
        before, after = (_settings(state, key) for state in (change.before, change.after))
        wanted = {name: line for name, line in after.items() if before.get(name) != line}
        for name, (value, by) in resolve(host, change.target, wanted).items():
            wrote = _value(wanted[name])
            if value != wrote:
                yield Lost(name, "at boot", wrote, value or "nothing", (by,) if by else ())
        return


def _settings(state: State, key: re.Pattern[str]) -> dict[str, str]:
    found = entries.parse(state.text, key) if isinstance(state, FileState) else {}
    return {name: setting.line for name, setting in found.items()}


def _value(line: str) -> str:
    """Return what a line of a file of ours sets: behind the sign, or the last word of one without."""
    return line.partition("=")[2].strip() if "=" in line else line.split()[-1]


Resolved = dict[str, tuple[str, str]]
"""The value of each setting at boot, and where that comes from."""


def _sysctls(host: Host, path: str, wanted: Iterable[str]) -> Resolved:
    found = resolve_systemd(host, wanted := list(wanted)).values
    return {
        key: (found[key].text, f"{found[key].origin} sets it") if key in found else ("", "a later file excludes it")
        for key in wanted
    }


def _logins(host: Host, path: str, wanted: Iterable[str]) -> Resolved:
    made: Resolved = {}
    for name in wanted:
        user, kind, _ = name.split()
        try:
            found = resolve_login(host, user)
        except HostError:
            continue  # the user has gone
        value, origin = (found.soft, found.soft_origin) if kind == "soft" else (found.hard, found.hard_origin)
        made[name] = (str(value), f"{origin} sets it" if origin else "")
    return made


def _units(host: Host, path: str, wanted: Iterable[str]) -> Resolved:
    if path.startswith("/etc/systemd/system.conf.d/"):
        got: tuple[object, ...] = manager_default(host, nr_open_at_boot(host))
        origin = ""
    else:
        found = resolve_unit(host, path.split("/")[-2].removesuffix(".d"), nr_open_at_boot(host))
        got, origin = (found.soft, found.hard), f"{found.origin} sets it" if found.origin else ""
    value = str(got[0]) if got[0] == got[1] else f"{got[0]}:{got[1]}"
    return {name: (value, origin) for name in wanted}


_FILES = (
    ("/etc/sysctl.d/", entries.SYSCTL, _sysctls),
    ("/etc/security/limits.d/", entries.LIMITS, _logins),
    ("/etc/systemd/system.conf.d/", entries.MANAGER, _units),
    ("/etc/systemd/system/", entries.UNIT, _units),
)


def _shown(state: State) -> str:
    if isinstance(state, FileState):
        return "the file as planned"
    return "nothing" if state is None else state
