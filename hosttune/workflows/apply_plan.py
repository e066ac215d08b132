"""Join examining and planning: what one apply asks for, and the plan that would make it so."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hosttune.changes import journal, refuse, written
from hosttune.changes import plan as planning
from hosttune.changes.kinds import only as only_names
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record
from hosttune.changes.request import AddressFacts, PlanFacts, Request
from hosttune.changes.written import Written
from hosttune.errors import ProfileError, RefusedError, UsageError
from hosttune.facts import listening
from hosttune.facts import machine as machines
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model import Finding, Operator, Plan, Report, Requirement, Severity, Subject
from hosttune.ports import span, text_of
from hosttune.profile import keys
from hosttune.profile.load import Profile
from hosttune.workflows import examine, loading, opening

_RANGE = Subject("sysctl", "net.ipv4.ip_local_port_range")
_NR_OPEN = Subject("sysctl", "fs.nr_open")
_RESERVED = Subject("sysctl", "net.ipv4.ip_local_reserved_ports")
_BROUGHT = (
    "/etc",
    "/etc/sysctl.d",
    "/etc/modules-load.d",
    "/etc/security",
    "/etc/security/limits.d",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/systemd/network",
)


def kinds(only: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of --only, each text of which may name several with commas; raises UsageError."""
    given = tuple(word.strip() for text in only for word in text.split(",") if word.strip())
    wrong = [word for word in given if word not in only_names()]
    if wrong:
        raise UsageError(f"--only {wrong[0]}: unknown; choose among {', '.join(only_names())}")
    return given


def allowed(given: Sequence[str]) -> tuple[str, ...]:
    """Return the keys of --allow-key, each in its one spelling; raises UsageError."""
    names = []
    for key in given:
        try:
            names.append(keys.canonical(key))
        except ValueError as error:
            raise UsageError(f"--allow-key {key}: not one sysctl; write it as the refusal names it") from error
    return tuple(dict.fromkeys(names))


def request(
    host: Host, loaded: loading.Target, report: Report, base: Request, leave: Sequence[str], reserve: bool
) -> tuple[Request, tuple[Finding, ...]]:
    """Return what is asked for, and the findings on it; `base` holds the options, `leave` the keys left alone.

    Raises UsageError for a key to leave alone, or to allow, that the role does not ask for.
    """
    _check_keys(report, leave, base.allow)
    findings = tuple(f for f in report.findings if f.requirement and not _among(f.subject, leave))
    if reserve and not _among(_RESERVED, leave):
        findings += examine.judge_again(host, _with_base(loaded.profiles), _reservation(host, findings))
    wanted = tuple(f.requirement for f in findings if f.requirement)
    made = dataclasses.replace(
        base,
        requirements=wanted,
        roles=report.roles,
        connections=report.workload.connections,
        leave=tuple(name.removeprefix("sysctl:") for name in leave),
    )
    return made, findings


def _among(subject: Subject, keys: Sequence[str]) -> bool:
    """Say whether one of the keys of --except means a subject."""
    return str(subject) in keys or subject.name in keys


def _check_keys(report: Report, leave: Sequence[str], allow: Sequence[str]) -> None:
    """Raise UsageError for a key to leave alone, or to allow, that the role does not ask for."""
    # the last two are set for the sake of others, whether the role asks for them or not
    known = {f.subject for f in report.findings if f.requirement} | {_NR_OPEN, _RESERVED}
    for key in leave:
        if not any(_among(subject, [key]) for subject in known):
            raise UsageError(
                f"--except {key}: the role asks for no such key; `hosttune profile show {report.roles[0]}` lists them"
            )
    for key in allow:
        if Subject("sysctl", key) not in known:
            raise UsageError(f"--allow-key {key}: the profile asks for no such key; leave the option out")


def plan(
    host: Host,
    world: Planned,
    request: Request,
    findings: Sequence[Finding],
    profiles: list[Profile],
    addresses: AddressFacts | None = None,
    shown_only: bool = False,
) -> Plan:
    """Return the plan on a host, or on one that is only planned; refusals of a live host are among it.

    `shown_only`: nobody writes it, so that where the journal cannot be read the files of ours are taken to be ours.
    """
    facts = _facts(world, profiles, listening.ports(host), findings)
    known = _written(host, shown_only)
    facts = dataclasses.replace(facts, addresses=addresses or AddressFacts(), written=known)
    made = planning.plan(world, findings, request, facts)
    if isinstance(host, LiveHost) and made.changes:
        status = text(host, "/proc/self/status")
        refused = refuse.permissions(host, made.changes, status, journal.DIRECTORY)
        made = dataclasses.replace(made, refusals=(*made.refusals, *refused))
    if not isinstance(host, LiveHost):
        # a recording holds no directories: those that every distribution brings are taken to be there
        made = dataclasses.replace(made, changes=tuple(c for c in made.changes if c.target not in _BROUGHT))
    elif not host.runs:
        made = dataclasses.replace(made, reload=False, restarts=())
    return made


def _written(host: Host, shown_only: bool) -> Written:
    """Return the lines that the journal knows of the files of ours."""
    try:
        if isinstance(host, LiveHost):
            return written.lines(journal.records(host))
    except RefusedError:  # who applies gets that error
        pass
    return None if shown_only else {}


def replan(records: Sequence[Record], world: Planned, request: Request) -> Plan:
    """Return what a recorded request comes to on a host as it would be; its profiles may have gone since.

    What was asked and granted once is not refused again. `records` are those of the host.
    """
    try:
        profiles = opening.open_profiles(list(request.roles), [])
    except (UsageError, ProfileError):
        profiles = opening.open_profiles([], [])
    findings = examine.judge_again(world, profiles, request.requirements)
    facts = dataclasses.replace(_facts(world, profiles, None, findings), written=written.lines(records))
    return planning.plan(world, findings, request, facts)


def _facts(world: Planned, profiles: list[Profile], listening: int | None, findings: Sequence[Finding]) -> PlanFacts:
    legal: dict[str, tuple[int, int]] = {}
    hardening: dict[str, str] = {}
    for profile in _with_base(profiles):
        for subject, about in profile.about.items():
            if about.get("legal"):
                legal[subject.removeprefix("sysctl:")] = (about["legal"][0], about["legal"][1])
            if about.get("hardening"):
                hardening[subject.removeprefix("sysctl:")] = about["hardening"]
    machine = machines.gather(world)
    readings = {str(f.subject): f.reading for f in findings if f.reading is not None}
    known = examine.defaults(world, profiles, machine, readings)
    defaults = {subject.removeprefix("sysctl:"): value for subject, value in known.items() if value is not None}
    described = frozenset(s.removeprefix("sysctl:") for profile in _with_base(profiles) for s in profile.about)
    return PlanFacts(machine, legal, listening, defaults, described, hardening=hardening)


def _with_base(profiles: list[Profile]) -> list[Profile]:
    # what the base profile describes of the kernel holds for a profile that does not extend it too
    return [*opening.open_profiles([], []), *profiles]


def _reservation(host: Host, findings: Sequence[Finding]) -> tuple[Requirement, ...]:
    """Return the requirement that the listening ports within the range are reserved, as it is and as it shall be."""
    finding = next((f for f in findings if f.subject == _RANGE and f.requirement and f.reading), None)
    required = finding.requirement if finding else None
    ranges: list[tuple[int, int]] = []
    if finding and finding.reading and required:
        values = (*required.wants, finding.reading.runtime, finding.reading.boot)
        ranges = [(value[0], value[1]) for value in values if isinstance(value, tuple) and len(value) == 2]
    low, high = min((low for low, _ in ranges), default=1), max((high for _, high in ranges), default=65535)
    ports = text_of(listening.ports(host) & span(low, high), 65536)
    if not ports:
        return ()
    return (
        Requirement(
            subject=_RESERVED,
            operator=Operator.COVERS,
            wants=(ports,),
            why="ports of services, which an outgoing connection must not take",
            source="Documentation/networking/ip-sysctl.rst",
            severity=Severity.ERROR,
            roles=required.roles if required else ("linux-server",),
            unit="ports",
            origin="--reserve-listeners",
        ),
    )
