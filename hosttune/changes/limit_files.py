"""The files that set descriptor limits: of logins, of services, and systemd's own default."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection

from hosttune.changes import entries, losing
from hosttune.changes.draft import Draft, Row, serves
from hosttune.changes.dropins import Blocker, Place, Resolved, place
from hosttune.changes.planned import Planned
from hosttune.changes.value import pair
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.systemd_limits import manager_default, nr_open_at_boot, resolve_unit

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?")
_UNIT = re.compile(r"[A-Za-z0-9_.@:\\-]{1,200}\.service")


def holder(row: Row) -> tuple[str, str]:
    """Return what has the limit (unit, login, pid, manager), and its name."""
    kind, _, name = row.subject.name.partition("/")
    return kind, name


def logins(draft: Draft, limits: list[Row]) -> None:
    """Write the file of /etc/security/limits.d for the logins."""
    users = {holder(row)[1]: row for row in limits if holder(row)[0] == "login" and row.disk is not None}
    wanted: dict[str, entries.Line] = {}
    for user, row in users.items():
        if not _NAME.fullmatch(user):
            draft.refusals.append(f"nofile of login {user!r}: not a name that a line of limits.conf can hold")
            return
        for kind, number in zip(("soft", "hard"), pair(row.disk) or (), strict=False):
            # the reason is given once, above the first of the two
            why = row.why if kind == "soft" else ""
            wanted[f"{user} {kind} nofile"] = entries.Line(f"{user} {kind} nofile {number}", why)

    def others(host: Planned, known: Collection[str]) -> object:
        return {user: _login(host, user) for user in {line.split()[0] for line in known} - set(users)}

    if place(draft, _LIMITS, wanted, _login_blocker(users), others, serves(users.values())):
        draft.notes += [note for user in users for note in losing.of_login(draft.future, user)]


def _login_blocker(logins: dict[str, Row]) -> Blocker:
    def blocker(after: Planned) -> str:
        for user, row in logins.items():
            got = resolve_login(after, user)
            if (got.soft, got.hard) != row.disk:
                by = got.soft_origin or got.hard_origin or (got.lines[0] if got.lines else "")
                why = f"{by} decides" if by else got.notes[-1] if got.notes else "no line decides"
                return f"nofile of login {user}: {why}, whatever hosttune writes; fix that line first"
        return ""

    return blocker


def _login(host: Planned, user: str) -> object:
    try:
        limits = resolve_login(host, user)
    except HostError:
        return None  # the user has gone, the lines stay
    return limits.soft, limits.hard


def units(draft: Draft, limits: list[Row]) -> None:
    """Write the drop-ins of the services, and of systemd's own default."""
    for row in limits:
        kind, name = holder(row)
        if row.disk is None or kind not in ("unit", "manager"):
            continue
        if kind == "unit" and not _UNIT.fullmatch(name):
            draft.refusals.append(f"nofile of unit {name!r}: not a service's name")
            continue
        where, setting = _MANAGER, "DefaultLimitNOFILE"
        if kind == "unit":
            where, setting = dataclasses.replace(_SERVICES, folder=f"{_SERVICES.folder}/{name}.d"), "LimitNOFILE"
        wanted = {setting: entries.Line(f"{setting}={_joined(pair(row.disk) or ())}", row.why)}
        if place(draft, where, wanted, _unit_blocker(row), lambda host, known: None, tuple(row.serves)):
            draft.notes += losing.of_unit(draft.future, name) if kind == "unit" else []


def _unit_blocker(row: Row) -> Blocker:
    kind, name = holder(row)

    def blocker(after: Planned) -> str:
        got, origin = _of_systemd(after, name if kind == "unit" else "")
        if got == row.disk:
            return ""
        by = origin or "another file"
        return f"nofile of {kind} {name}: {by} decides, whatever hosttune writes; fix that line first"

    return blocker


def _of_systemd(host: Host, unit: str) -> tuple[tuple[object, ...], str]:
    """Return the limits that systemd gives a service, its own default for "", and where they come from."""
    if not unit:
        return manager_default(host, nr_open_at_boot(host)), ""
    limits = resolve_unit(host, unit, nr_open_at_boot(host))
    return (limits.soft, limits.hard), str(limits.origin or "")


def _logins_at_boot(host: Host, path: str, wanted: Collection[str]) -> Resolved:
    made: Resolved = {}
    for name in wanted:
        user, kind, _ = name.split()
        try:
            limits = resolve_login(host, user)
        except HostError:
            continue  # the user has gone
        value, origin = (limits.soft, limits.soft_origin) if kind == "soft" else (limits.hard, limits.hard_origin)
        made[name] = (str(value), f"{origin} sets it" if origin else "")
    return made


def _units_at_boot(host: Host, path: str, wanted: Collection[str]) -> Resolved:
    folder = path.split("/")[-2].removesuffix(".d")
    got, origin = _of_systemd(host, "" if path.startswith(f"{_MANAGER.folder}/") else folder)
    return {name: (_joined(got), f"{origin} sets it" if origin else "") for name in wanted}


def _joined(limits: tuple[object, ...]) -> str:
    """Return soft and hard as a unit file has them (systemd.exec(5))."""
    return ":".join(map(str, dict.fromkeys(limits)))


_LIMITS = Place("/etc/security/limits.d", entries.LIMITS, resolve=_logins_at_boot)
_MANAGER = Place("/etc/systemd/system.conf.d", entries.MANAGER, "Manager", resolve=_units_at_boot)
_SERVICES = Place("/etc/systemd/system", entries.UNIT, "Service", resolve=_units_at_boot)
PLACES = (_LIMITS, _MANAGER, _SERVICES)
