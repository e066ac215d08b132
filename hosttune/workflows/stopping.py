"""What a report says of the programs that carry the role's connections: which is judged, where each of them stops."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hosttune import printable
from hosttune.errors import HostError, HosttuneError
from hosttune.facts import machine as machines
from hosttune.facts import where as places
from hosttune.facts.carriers import Running
from hosttune.host import Host
from hosttune.model import Bound, Carrier, Configuration, Programs, Report, Scope, Unknown, Where
from hosttune.options import Options, Place, spelled
from hosttune.programs import started
from hosttune.render.figures import hard_bounds
from hosttune.workflows import examine, finding, loading, opening

MOST = 4
"""Other programs of which each is judged by itself."""


def looked(options: Options, place: Place, command: str) -> Report:
    """Return the report of what an option names, or of the program that was found; raises UsageError, ProfileError."""
    search = finding.Search(options)
    with loading.standpoint(options, place, search) as point, opening.remembering(point.host):
        return point.look(lambda host, view: _report(options, place, search, command, host, view))


def each(carriers: tuple[Carrier, ...], options: Options, place: Place) -> tuple[Carrier, ...]:
    """Return the carriers, the first others with the number at which each stops by itself."""
    first, others = carriers[:1], carriers[1:]
    return (*first, *(_stopped(carrier, options, place) for carrier in others[:MOST]), *others[MOST:])


def _report(
    options: Options, place: Place, search: finding.Search, command: str, host: Host, view: opening.View
) -> Report:
    loaded = loading.load(host, options, view.came.process, search)
    where = places.gather(host, machines.gather(host), view.came)
    report = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, command, view.missing, where)
    found = loaded.found
    unread = found.configuration if isinstance(found.configuration, Unknown) else None
    report = dataclasses.replace(report, warnings=loaded.notes + report.warnings)
    if found.first and unread:
        report = _without(report, found.first, unread)
    if found.sought and found.first and found.first.here is None:
        unseen = f"whether {found.first.program} (pid {found.first.pid}) is in another network namespace than this"
        report = dataclasses.replace(report, missing=(*report.missing, unseen))
    named = tuple(_named(host, found, running, options, place, where) for running in _each(found))
    if named:
        named = (_with_number(named[0], report), *named[1:])
    return dataclasses.replace(report, carriers=named, idle=_idle(found, report, loaded.programs))


def _each(found: finding.Found) -> Iterator[Running]:
    yield from [found.first] if found.first else []
    yield from found.others


def _without(report: Report, running: Running, unread: Unknown) -> Report:
    """Return a report that says what it could not read of the program's configuration."""
    what = f"the configuration of {running.program} (pid {running.pid})"
    bound = Bound(kind="configuration", name=what, scope=Scope.PROGRAM, hard=unread)
    more = () if report.machine.root_user else (f"{what}, which says where it stops: {unread.detail}",)
    return dataclasses.replace(report, bounds=(*report.bounds, bound), missing=report.missing + more)


def _named(host: Host, found: finding.Found, running: Running, options: Options, place: Place, where: Where) -> Carrier:
    try:
        files = started.paths(running)
    except HostError:
        files = ()
    known = found.configuration if running is found.first else None
    files = known.files if isinstance(known, Configuration) else files
    words = ["hosttune", "check", *spelled(dataclasses.replace(options, pid=running.pid, process_name=""))]
    return Carrier(
        program=running.program,
        pid=running.pid,
        files=files,
        unit=running.unit,
        network=_network(host, running, where),
        command=printable.words([*words, *spelled(place)]),
        changed=finding.changed(host, running, files),
    )


def _network(host: Host, running: Running, where: Where) -> str:
    """Return the network namespace of a program that is in another than where hosttune was started."""
    if running.pid == where.process:
        return (where.name or _number(running)) if where.entered else ""
    if running.here is not False:
        return ""
    try:
        own = host.probe("namespaces")["names"]
        names = [name for name in host.probe("namespaces", pid=running.pid)["names"] if name not in own]
    except HostError:
        names = []
    return str(names[0]) if names else _number(running)


def _number(running: Running) -> str:
    """Return a namespace without a name as /proc/PID/ns/net has it."""
    return f"net:[{running.network.rpartition(':')[2]}]"


def _stopped(carrier: Carrier, options: Options, place: Place) -> Carrier:
    """Return a carrier with its own number; without one where it has ended, or may not be looked at."""
    try:
        report = looked(dataclasses.replace(options, pid=carrier.pid), place, "")
    except (HosttuneError, HostError):
        return carrier
    return _with_number(carrier, report)


def _with_number(carrier: Carrier, report: Report) -> Carrier:
    hard = hard_bounds(report)
    if not hard:
        return carrier
    number, bound = hard[0]
    return dataclasses.replace(carrier, connections=number, stops=bound.name)


def _idle(found: finding.Found, report: Report, programs: Programs) -> str:
    """Return that none of the role's programs runs, and what the first number is of then; "" where one does."""
    if not found.none:
        return ""
    names = sorted(known.name for known in found.sought)
    several = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    what = _of_what(report, programs)
    return f"no {several} runs here" + (f"; the number is {what}" if what else "")


def _of_what(report: Report, programs: Programs) -> str:
    """Return what the first number is of where no program runs, "" where there is no number."""
    if programs.configuration:
        return f"that of {programs.unit}, if it starts with {', '.join(programs.configuration.files[:1])}"
    hard = hard_bounds(report)
    if not hard:
        return ""
    bound = hard[0][1]
    if bound.scope is Scope.POOL:
        return ""  # its name says what it is of
    if bound.kind == "nofile":
        whose = bound.name.removeprefix("nofile ").removeprefix("of ")
        return f"what the nofile of {whose} gives to a program that starts with it"
    return f"the host's own: {bound.name}"
