"""The files of a plan, one function a kind: what each holds, and how it is seen to win."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hosttune.changes import entries
from hosttune.changes.dropins import Blocker, Place, place
from hosttune.changes.limits import LimitRow
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.changes.sysctls import Row
from hosttune.changes.value import text
from hosttune.changes.written import Written
from hosttune.errors import HostError
from hosttune.facts.kinds import nofile as nofile_facts
from hosttune.facts.kinds import sysctl as sysctl_facts
from hosttune.model import Change, Machine
from hosttune.resolve import systemd_limits
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.sysctl_procps import resolve_procps
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.systemd_limits import manager_default, nr_open_at_boot, resolve_unit

SYSCTL = Place("/etc/sysctl.d", entries.SYSCTL)
LIMITS = Place("/etc/security/limits.d", entries.LIMITS)
MODULES = Place("/etc/modules-load.d", entries.MODULE)
MANAGER = Place("/etc/systemd/system.conf.d", entries.MANAGER, "Manager")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?")
_UNIT = re.compile(r"[A-Za-z0-9_.@:\\-]{1,200}\.service")


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in the making: what sysctls and limits shall be, what was asked for, and sentences found on the way.

    `written` are the lines of our files that the journal knows.
    """

    rows: Sequence[Row]
    limit_rows: Sequence[LimitRow]
    request: Request
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: Written = None


def modules(world: Planned, draft: Draft) -> list[Change]:
    """Return what has the modules of the keys loaded before systemd-sysctl looks for them."""
    loaded = sysctl_facts.modules_at_boot(world)
    wanted = {
        module: entries.Setting(module, f"without it systemd-sysctl finds no {row.key} at boot")
        for row in draft.rows
        if row.disk is not None and (module := sysctl_facts.module_of(row.key)) and module not in loaded
    }
    if not wanted:
        return []

    def blocker(after: Planned, settings: dict[str, entries.Setting]) -> str:
        left = sorted(set(settings) - sysctl_facts.modules_at_boot(after))
        return f"/etc/modules-load.d cannot have {', '.join(left)} loaded" if left else ""

    def others(host: Planned, known: Collection[str]) -> object:
        return sysctl_facts.modules_at_boot(host) - set(wanted)

    made, said = place(world, MODULES, wanted, blocker, others, _serves(draft.rows), draft.written, draft.notes)
    draft.refusals.extend([said] if said else [])
    return made


def sysctl_file(world: Planned, draft: Draft) -> list[Change]:
    """Return the drop-in below /etc/sysctl.d, under a name that is read after every file that says otherwise."""
    wanted = {r.key: entries.Setting(f"{r.key} = {text(r.disk)}", r.why) for r in draft.rows if r.disk is not None}
    if not wanted:
        return []

    def blocker(after: Planned, settings: dict[str, entries.Setting]) -> str:
        found = resolve_systemd(after, wanted).values
        for key, setting in settings.items():
            value = setting.line.partition(" = ")[2]
            if key not in found:
                return f"{key}: a file of sysctl.d excludes it (a line `-{key}`) after any name that hosttune would use"
            if found[key].text != value:
                return (
                    f"{key}: {found[key].origin} sets {found[key].text} after any name that hosttune would use; "
                    "take that line out, or leave the key alone with --except"
                )
        return ""

    def others(host: Planned, known: Collection[str]) -> object:
        found = resolve_systemd(host, known).values
        return {key: value.text for key, value in found.items() if key not in wanted}

    made, said = place(world, SYSCTL, wanted, blocker, others, _serves(draft.rows), draft.written, draft.notes)
    draft.refusals.extend([said] if said else [])
    if made:
        draft.notes.extend(_reload_differs(world.with_(made), wanted))
    return made


def _reload_differs(after: Planned, wanted: dict[str, entries.Setting]) -> list[str]:
    """Say what `sysctl --system` makes of the keys, where it is not what the boot does: it reads sysctl.conf last."""
    found = resolve_procps(after, sysctl_facts.procps_release(after), wanted).values
    return [
        f"{key}: `sysctl --system` would set {found[key].text} ({found[key].origin}), the boot does not; "
        "take that line out if people or packages run it here"
        for key, setting in wanted.items()
        if key in found and found[key].text != setting.line.partition(" = ")[2]
    ]


def limit_files(world: Planned, draft: Draft) -> list[Change]:
    """Return the file of /etc/security/limits.d for the logins."""
    logins = {r.name: r for r in draft.limit_rows if r.kind == "login" and r.disk is not None and draft.request.persist}
    wanted: dict[str, entries.Setting] = {}
    for user, row in logins.items():
        if not _NAME.fullmatch(user):
            draft.refusals.append(f"nofile of login {user!r}: not a name that a line of limits.conf can hold")
            return []
        for kind, number in zip(("soft", "hard"), row.disk or (), strict=False):
            wanted[f"{user} {kind} nofile"] = entries.Setting(f"{user} {kind} nofile {number}", row.why)
            row.why = ""  # said once, above the first of the two
    if not wanted:
        return []

    def blocker(after: Planned, settings: dict[str, entries.Setting]) -> str:
        for user, row in logins.items():
            found = resolve_login(after, user)
            if (found.soft, found.hard) != row.disk:
                by = found.soft_origin or found.hard_origin or (found.lines[0] if found.lines else "")
                why = f"{by} decides" if by else found.notes[-1] if found.notes else "no line decides"
                return f"nofile of login {user}: {why}, whatever hosttune writes; fix that line first"
        return ""

    def others(host: Planned, known: Collection[str]) -> object:
        users = {setting.split()[0] for setting in known} - set(logins)
        return {user: _login(host, user) for user in users}

    made, said = place(
        world, LIMITS, wanted, blocker, others, _serves(list(logins.values())), draft.written, draft.notes
    )
    draft.refusals.extend([said] if said else [])
    return made


def _login(host: Planned, user: str) -> object:
    try:
        found = resolve_login(host, user)
    except HostError:
        return None  # the user has gone, the lines stay
    return found.soft, found.hard


def unit_files(world: Planned, draft: Draft) -> list[Change]:
    """Return the drop-ins of the services, and of systemd's own default."""
    made: list[Change] = []
    for row in draft.limit_rows:
        if row.disk is None or row.kind not in ("unit", "manager") or not draft.request.persist:
            continue
        soft, hard = row.disk
        value = str(soft) if soft == hard else f"{soft}:{hard}"
        where, setting = MANAGER, "DefaultLimitNOFILE"
        if row.kind == "unit":
            if not _UNIT.fullmatch(row.name):
                draft.refusals.append(f"nofile of unit {row.name!r}: not a service's name")
                continue
            where, setting = Place(f"/etc/systemd/system/{row.name}.d", entries.UNIT, "Service"), "LimitNOFILE"
        wanted = {setting: entries.Setting(f"{setting}={value}", row.why)}
        changes, said = place(
            world,
            where,
            wanted,
            _unit_blocker(row),
            lambda host, known: None,
            tuple(row.serves),
            draft.written,
            draft.notes,
        )
        draft.refusals.extend([said] if said else [])
        made += changes
    return made


def _unit_blocker(row: LimitRow) -> Blocker:
    def blocker(after: Planned, settings: dict[str, entries.Setting]) -> str:
        if row.kind == "manager":
            got, origin = manager_default(after, nr_open_at_boot(after)), "another file"
        else:
            found = resolve_unit(after, row.name, nr_open_at_boot(after))
            got, origin = (found.soft, found.hard), str(found.origin)
        if got == row.disk:
            return ""
        return f"nofile of {row.kind} {row.name}: {origin} decides, whatever hosttune writes; fix that line first"

    return blocker


def processes(world: Planned, row: LimitRow) -> list[int]:
    """Return the processes of a row: the one it names, or those of its unit's control group."""
    if row.kind == "pid":
        return [int(row.name)]
    if row.kind != "unit":
        return []
    return nofile_facts.processes(world, resolve_unit(world, row.name).id)


def row_of(world: Planned, rows: Mapping[str, Row], key: str) -> Row:
    """Return a key in its layers, for a profile that does not ask for it too."""
    if key in rows:
        return rows[key]
    return Row(key, sysctl_facts.read(world, (key,))[key])


def raises_nr_open(machine: Machine) -> bool:
    """Say whether this distribution's systemd is known to raise fs.nr_open at boot."""
    return bool(systemd_limits.raises_nr_open(machine.distribution, machine.version))


def _serves(rows: Sequence[Row] | Sequence[LimitRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(s for row in rows if row.disk is not None for s in row.serves))
