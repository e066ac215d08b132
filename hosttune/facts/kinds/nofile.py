"""Descriptor limits in their layers: of a login, of a service, of one process; a value is (soft, hard)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from hosttune.errors import HostError
from hosttune.host import Host, proc, text
from hosttune.model import Given, Programs, Reading, Reason, Subject, Unknown, Value, Where
from hosttune.resolve.pam_limits import limits_of, resolve_login
from hosttune.resolve.systemd_limits import UnitLimits, manager_default, nr_open_at_boot, resolve_unit

_PROCESSES = 100_000  # /proc can hold millions; a service's main process has a low number


NAME = re.compile(r"service|login|process|manager|(unit|login)/(?!.*\.\.)[A-Za-z0-9_.@:-]+")
PAIR = True  # soft and hard


def read(host: Host, names: tuple[str, ...]) -> dict[str, Reading]:
    """Read each of the limits that are named; what cannot be read is Unknown and stops nothing."""
    readings = {}
    for name in names:
        subject = Subject("nofile", name)
        try:
            readings[name] = reading(host, subject)
        except HostError as error:
            unknown = Unknown(error.reason, error.detail)
            readings[name] = Reading(subject, unknown, unknown)
    return readings


def aimed(name: str, programs: Programs) -> list[str]:
    """Point the rows for the service, the login and the process at those of this host."""
    aims = {
        "service": [f"unit/{programs.unit}"] if programs.unit else [],
        "login": [f"login/{user}" for user in programs.users],
        "process": [f"pid/{programs.pid}"] if programs.pid is not None else [],
    }
    return aims.get(name, [name])


def always(programs: Programs) -> list[str]:
    """Return the limits that bind the role's program, whatever profiles name."""
    return [name for row in ("process", "service", "login") for name in aimed(row, programs)]


def at_start(readings: Mapping[str, Reading], where: Where, known: Mapping[str, Value | None]) -> dict[str, Reading]:
    """Return the readings with what a new container gives to its first process, which its others inherit.

    From inside its runtime's files are not seen; where a systemd in there starts the process, its files are.
    """
    started = dict(readings)
    if where.contained:
        own = {text: reading for text, reading in readings.items() if of_process(reading.subject.name)}
        started |= {text: _of_container(reading, where) for text, reading in own.items()}
    return started


def _of_container(reading: Reading, where: Where) -> Reading:
    given = where.given
    if isinstance(given, Given):
        own = given.own_files and reading.subject.name != f"pid/{where.process}"
        limits = Unknown(Reason.UNDECIDED, "a systemd of its own decides in there") if own else given.nofile
        notes = (given.note,) if given.note and not own else ()
        return dataclasses.replace(reading, boot=limits, origin=None if own else given.origin, beaten=(), notes=notes)
    if where.inside and not isinstance(reading.boot, Unknown):
        return reading
    why = given.detail if given else "what makes the container is not known"
    return dataclasses.replace(reading, boot=Unknown(Reason.UNDECIDED, why), origin=None, beaten=(), notes=())


def of_process(name: str) -> bool:
    """Say whether it is the limit of one process."""
    return name.startswith("pid/")


def now(host: Host, name: str) -> str:
    """Return "": a profile's rows are of whichever service or login carries the connections."""
    return ""


def reading(host: Host, subject: Subject) -> Reading:
    """Read `nofile:login/USER`, `nofile:unit/NAME.service`, `nofile:pid/N` or `nofile:manager`.

    The last is what systemd gives a service that asks for nothing. What cannot be read is Unknown.
    """
    kind, slash, name = subject.name.partition("/")
    if slash and name and kind == "login":
        return _login(host, subject, name)
    if slash and name and kind == "unit":
        return _unit(host, subject, name)
    if kind == "pid" and re.fullmatch("[1-9][0-9]{0,9}", name):
        return _process(host, subject, name)
    if subject.name == "manager":
        soft, hard = manager_default(host, nr_open_at_boot(host))
        runs = Unknown(Reason.UNDECIDED, "systemd hands it to services as they start")
        return Reading(subject, runs, _both(soft, hard))
    wrong = Unknown(Reason.MALFORMED, f"{subject} is not login/USER, unit/NAME.service, pid/N or manager")
    return Reading(subject, wrong, wrong)


def _login(host: Host, subject: Subject, user: str) -> Reading:
    try:
        limits = resolve_login(host, user)
    except HostError as error:
        unknown = Unknown(error.reason, error.detail)
        return Reading(subject, unknown, unknown)
    value: Value | Unknown
    if limits.soft is None or limits.hard is None:
        value = Unknown(Reason.UNDECIDED, f"no session opens for {user}: {limits.notes[-1]}")
    else:
        value = _both(limits.soft, limits.hard)
    origin = limits.soft_origin or limits.hard_origin
    notes = limits.notes
    if limits.hard_origin not in (None, origin):
        notes = (*notes, f"soft comes from {limits.soft_origin}, hard from {limits.hard_origin}")
    # the files act when a session opens, so a login made now gets what one after a boot would get
    return Reading(subject, value, value, origin, limits.beaten, notes)


def _unit(host: Host, subject: Subject, unit: str) -> Reading:
    unit = unit if "." in unit else f"{unit}.service"
    limits = resolve_unit(host, unit, nr_open_at_boot(host))
    notes = (*limits.notes, *until_boot(host, unit))
    return Reading(subject, _running(host, limits.id), _boot(limits, unit), limits.origin, limits.beaten, notes)


def _process(host: Host, subject: Subject, pid: str) -> Reading:
    try:
        runtime: Value | Unknown = limits_of(host.read(f"/proc/{pid}/limits"))
    except HostError as error:
        runtime = Unknown(error.reason, error.detail)
    unit = _unit_of(host, pid)
    if not unit:
        return Reading(subject, runtime, Unknown(Reason.UNDECIDED, f"no service is known that starts process {pid}"))
    limits = resolve_unit(host, unit, nr_open_at_boot(host))
    notes = (f"process {pid} belongs to {unit}", *limits.notes)
    return Reading(subject, runtime, _boot(limits, unit), limits.origin, limits.beaten, notes)


def until_boot(host: Host, unit: str) -> list[str]:
    """Return a sentence on the line in /run that decides a unit's limit now: after a boot it is gone."""
    origin = resolve_unit(host, unit, now=True).origin
    if origin is None or not origin.path.startswith("/run/") or "/generator" in origin.path:
        return []
    return [f"{origin} sets {origin.text} until the next boot: /run is empty then"]


def _boot(limits: UnitLimits, unit: str) -> Value | Unknown:
    if not limits.exists:
        return Unknown(Reason.ABSENT, f"no unit file of {unit}")
    return _both(limits.soft, limits.hard)


def _both(soft: int | Unknown, hard: int | Unknown) -> Value | Unknown:
    """Join the halves; one half unknown makes the whole so, and says what the other is."""
    if isinstance(soft, Unknown):
        return soft
    if isinstance(hard, Unknown):
        return Unknown(hard.reason, f"soft is {soft}, hard: {hard.detail}")
    return soft, hard


def _running(host: Host, unit: str) -> Value | Unknown:
    """Return the limits of the lowest process of a unit, which is its main process or the oldest one left."""
    for pid in _processes(host, unit):
        try:
            return limits_of(host.read(f"/proc/{pid}/limits"))
        except HostError as error:
            if error.reason is not Reason.ABSENT:  # else it ended between the two reads
                return Unknown(error.reason, error.detail)
    return Unknown(Reason.ABSENT, f"{unit} is not running")


def processes(host: Host, unit: str) -> list[int]:
    """Return the processes of a service, whatever slice it lies in, lowest first."""
    return list(_processes(host, unit if "." in unit else f"{unit}.service"))


def _processes(host: Host, unit: str) -> Iterator[int]:
    paths = host.glob("/proc/[0-9]*/cgroup")
    pids = sorted(int(p.split("/")[2]) for p in paths if re.fullmatch("/proc/[0-9]{1,10}/cgroup", p))
    yield from (pid for pid in pids[:_PROCESSES] if _unit_of(host, str(pid)) == unit)


def unit_of(host: Host, pid: int) -> str:
    """Return the service that a process runs in, "" where none starts it: a user's own manager is none."""
    unit = _unit_of(host, str(pid))
    return "" if unit.startswith("user@") else unit


def _unit_of(host: Host, pid: str) -> str:
    """Return the service whose control group holds a process (cgroups(7)), "" where none does.

    Below user@UID.service lie the services of that user's own manager, which are other units.
    """
    for controllers, path in proc.groups(text(host, f"/proc/{pid}/cgroup")):
        if controllers in ((), ("name=systemd",)):
            for part in path.split("/"):
                if part.endswith(".service"):
                    return part
    return ""
