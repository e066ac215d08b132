"""From options to what they mean: profiles, workload, and whose descriptor limits count."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hosttune import printable
from hosttune.errors import UsageError
from hosttune.facts import backends, caller, foreign
from hosttune.facts import process as running
from hosttune.facts import where as place
from hosttune.facts.kinds import nofile
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Configuration, Programs, Workload
from hosttune.model.programs import bare, known_as
from hosttune.options import Options, Place, spelled
from hosttune.profile import merge
from hosttune.profile.load import Profile, Row
from hosttune.programs import configuration, in_force, knowledge
from hosttune.resolve import systemd_command
from hosttune.resolve.systemd_limits import resolve_unit
from hosttune.workflows import carriers, finding, opening, trust, unit_files

# systemd.unit(5); what is none of these is the beginning of a service's name, as systemctl takes it
_OTHER_UNITS = ("socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope")
_BACKENDS, _POOLS = 100_000, 200_000  # tests/bench/backends.py has what each of them takes
_LOCAL_SOURCES = {"files", "compat", "db", "systemd"}  # the last knows dynamic users only, and no login is one


@dataclass(frozen=True, slots=True)
class Target:
    """What the options come to on one host; `notes` are remarks on a configuration that was read.

    `came` is how this run came to where it looks from, `found` what runs of the role where that was asked for.
    """

    profiles: list[Profile]
    workload: Workload
    programs: Programs
    notes: tuple[str, ...]
    came: place.Came = place.HERE
    found: finding.Found = finding.NOTHING


def named_process(options: Options, search: finding.Search | None = None) -> int | None:
    """Return the process of this host in whose network namespace to look, None where it is that of this one.

    With a search it is that of the role's program where no option names one. Raises UsageError.
    """
    if search and finding.names_none(options):
        return search.elsewhere()
    if options.process_name:
        return running.by_name(LiveHost(), options.process_name)
    if options.pid is None and options.service and os.geteuid() == 0:
        # a unit with PrivateNetwork= or NetworkNamespacePath= has a network of its own
        return next(iter(nofile.processes(LiveHost(), options.service)), None)
    return options.pid


def standpoint(
    options: Options, place: Place, search: finding.Search | None = None
) -> AbstractContextManager[opening.Standpoint]:
    """Look from where the process, the service or the namespace named is; raises UsageError.

    With a search it is where the role's program runs, if nothing is named.
    """
    return opening.standpoint(place, lambda: named_process(options, search))


def view(options: Options, netns: str, snapshot: str = "", root: str = "/") -> AbstractContextManager[opening.View]:
    """Look for a while from where the process, the service or the namespace named is; raises UsageError."""
    return opening.view(netns, lambda: named_process(options), snapshot, root)


def load(host: Host, options: Options, process: int | None = None, search: finding.Search | None = None) -> Target:
    """Read profiles and configurations; `process` is what --process-name came to. Raises UsageError or ProfileError.

    With a search it is the role's program that runs where no option names one; `process` then is the one to judge.
    """
    profiles = search.profiles if search else opening.open_profiles(list(options.role), list(options.profile))
    pid = options.pid
    if options.process_name:
        pid = process if process is not None else running.by_name(host, options.process_name)
    found = search.found(host, process if process is not None else pid) if search else finding.NOTHING
    for user in options.user:
        _check_user(host, user)
    programs = _programs(host, options, profiles, pid, found)
    started = _started(options, host, profiles, programs, found)
    known = started.configuration
    programs = _whose(options, programs, known)
    pids = _pids(host, programs, found, known.program) if known else ()
    configured, differences = in_force.of(host, known, pids) if known else (None, ())
    program = programs.unit if options.service and programs.pid is None else ""
    if programs.pid is not None:
        program = running.name(host, programs.pid)
    workload, notes = _workload(options, host, profiles, program, configured)
    programs = dataclasses.replace(programs, configuration=configured, differences=differences)
    if workload.backends:
        connecting = caller.gather(
            host, workload.caller, lambda: _connecting(host, options, programs, found), workload.backends
        )
        workload = dataclasses.replace(workload, caller=connecting)
    else:
        notes += foreign.remarks(host, workload.sources, options.device)
    if options.user:
        profiles = _for_logins(profiles)
    return Target(profiles, workload, programs, started.notes + notes, found=found)


def _programs(host: Host, options: Options, profiles: list[Profile], pid: int | None, found: finding.Found) -> Programs:
    """Return whose limits count: those of what is named, else of what runs, else of the role's unit."""
    own = next((p for p in profiles if p.service), None)
    unit = _unit(host, options.service) if options.service else own.service if own else ""
    users = tuple(options.user or (["root"] if unit or _of_logins(profiles) else ()))
    if found.sought and found.first:
        unit, pid = found.first.unit, found.first.pid
    elif found.none and not options.user and found.are_services and isinstance(host, LiveHost):
        # nobody logs in to start what is a service
        users = users if resolve_unit(host, unit).exists else ()
    raises = own is not None and own.service_raises_nofile and unit == own.service
    return Programs(unit, users, pid, raises or _raises(unit))


def _of_logins(profiles: list[Profile]) -> bool:
    """Say whether a role is of what people start from a shell: of others no login carries connections."""
    return any(row.subject == "nofile:login" for profile in profiles for row in profile.rows)


def _raises(program: str) -> bool:
    """Say whether a program, or the one that a unit is named for, raises its soft limit of descriptors by itself."""
    return bool(known_as(knowledge.of(program), program).traits.raises_nofile.value)


def _whose(options: Options, programs: Programs, known: Configuration | None) -> Programs:
    """Return whose limits count where files were named: those of the unit of their program, if no option names one."""
    if not known or not options.backends_from or options.service or programs.pid is not None:
        return programs
    if not programs.unit or bare(programs.unit) == known.program:
        return dataclasses.replace(programs, unit_raises=programs.unit_raises or _raises(known.program))
    deploy = known_as(knowledge.of(known.program), known.program).deploy
    unit = f"{known.program}.service" if deploy and deploy.service else ""
    return dataclasses.replace(programs, unit=unit, unit_raises=_raises(known.program))


def _unit(host: Host, name: str) -> str:
    """Return the unit that --service names; raises UsageError where this host has none."""
    kind = name.rpartition(".")[2]
    if kind in _OTHER_UNITS:
        raise UsageError(f"--service {name}: a {kind}, which runs no program; name the service")
    unit = name if kind == "service" else f"{name}.service"
    # in a recording, what was not asked for is not there; that says nothing of the host
    if isinstance(host, LiveHost):
        # a transient unit has its file in /run alone (systemd-run(1))
        known = resolve_unit(host, unit, now=True)
        if not known.exists:
            reasons = [note for note in known.notes if note.endswith(("masks the unit", "is no unit's name"))]
            why = (reasons or [f"no unit file of {unit} here"])[0]
            raise UsageError(f"--service {name}: {why}; `systemctl list-unit-files` shows those there are")
    return unit


def _check_user(host: Host, name: str) -> None:
    """Raise UsageError for a login that cannot be: one in no file, where nsswitch.conf(5) names nothing but files."""
    passwd, sources = text(host, "/etc/passwd"), text(host, "/etc/nsswitch.conf")
    names = {line.partition(":")[0] for line in passwd.splitlines()}
    asked = re.search(r"^\s*passwd:([^#\n]*)", sources, re.M)
    others = set(re.sub(r"\[[^]]*\]", " ", asked[1]).split()) - _LOCAL_SOURCES if asked else set()
    if passwd and name not in names and not others:
        raise UsageError(f"--user {name}: no such user in /etc/passwd; `getent passwd` lists those there are")


def _for_logins(profiles: list[Profile]) -> list[Profile]:
    """Return the profiles, asking what the role's descriptors need for the logins of --user, if none does."""
    if any(row.subject.startswith("nofile:login") for profile in profiles for row in profile.rows):
        return profiles
    table = {
        "operator": "at_least",
        "demand": "descriptors",
        "unit": "descriptors",
        "why": "a program that is started from a shell or over ssh gets the limits of the login",
        "source": "pam_limits(8), limits.conf(5)",
        "severity": "error",
    }
    first, *rest = profiles
    return [dataclasses.replace(first, rows=(*first.rows, Row("nofile:login", table, "--user"))), *rest]


def role_words(options: Options) -> str:
    """Return the options that name the role and its workload, without those that name a program of this host."""
    return printable.words(spelled(options, ("pid", "process_name", "container", "service", "user")))


def names_a_process(options: Options) -> bool:
    """Say whether the options name a process whose network and limits are judged."""
    return options.pid is not None or bool(options.process_name or options.container or options.service)


def _started(
    options: Options, host: Host, profiles: list[Profile], programs: Programs, found: finding.Found
) -> unit_files.Started:
    """Return the configuration that was named, or that the program runs with, or that its unit would start it with."""
    if options.backends_from:
        environment = unit_files.environment(host, programs.unit)
        read = configuration.read(configuration.Given(host, tuple(options.backends_from), environment))
        trust.weigh(read.doubts)
        return unit_files.Started(read.configuration)
    if found.first:
        known = found.configuration
        return unit_files.Started(known if isinstance(known, Configuration) else None)
    return unit_files.read(host, options, profiles, programs.unit, found.none)


def _pids(host: Host, programs: Programs, found: finding.Found, program: str) -> Iterator[int]:
    """Yield the processes that may go by a configuration, the likeliest first."""
    if found.first:
        yield from found.first.pids
    else:
        yield from carriers.pids(host, programs.pid, programs.unit, program)


def _connecting(host: Host, options: Options, programs: Programs, found: finding.Found) -> caller.Program:
    """Return who connects: the processes that run, else the user of --user or of the unit."""
    if options.user:
        return caller.Program(user=options.user[0] if len(options.user) == 1 else "")
    pids = found.first.pids if found.first else [programs.pid] if programs.pid is not None else []
    if not pids and programs.unit:
        pids = nofile.processes(host, programs.unit)
    if pids or not programs.unit:
        return caller.Program(tuple(pids))
    return caller.Program(user=systemd_command.of_unit(host, programs.unit, now=True).user)


def _workload(
    options: Options, host: Host, profiles: list[Profile], program: str, configured: Configuration | None
) -> tuple[Workload, tuple[str, ...]]:
    """Return the workload, and what is to be noted of the configuration that it was read from."""
    notes: tuple[str, ...] = ()
    pipes = None
    targets = [backends.parse(host, text, device=options.device) for text in options.backend]
    mode, span = backends.parse_bind_mode(options.bind_mode) if options.bind_mode else (None, None)
    if configured:
        targets.extend(backends.merge(configured.backends))
        notes, program, pipes = configured.remarks, configured.program, configured.pipes
        mode = mode or configured.mode
        if any("pipes_per_connection" in profile.workload for profile in profiles):
            pipes = None
    traits = known_as(knowledge.of(program), program).traits
    if mode is None and not configured and traits.binds_first.value:
        mode = BindMode.BIND
        where = "add --source 0.0.0.0 where it names no address, --bind-mode bind:LO-HI where it has a range of ports"
        notes = (
            *notes,
            f"{bare(program)} binds before it connects, taken as --bind-mode bind; {where}",
        )
    workload = merge.workload(
        profiles,
        connections=options.connections,
        rate=options.rate,
        hold=options.hold,
        bytes_in_flight=_in_flight(options),
        message_size=options.message_size,
        backends=tuple(targets) or None,
        sources=backends.parse_sources(list(options.source)) or None,
        bind_mode=mode,
        bind_range=span,
        mark=options.mark,
        device=options.device or None,
        pipes_per_connection=pipes,
        descriptors_per_connection=traits.per_connection.value or None,
    )
    if configured and configured.passes > 1:
        each = workload.descriptors_per_connection * configured.passes
        workload = dataclasses.replace(workload, descriptors_per_connection=each)
    if options.message_size is not None and not workload.bytes_in_flight:
        raise UsageError(
            "--message-size needs --bytes-in-flight, or --throughput and --rtt: nothing waits without them"
        )
    _check_size(workload)
    return workload, notes


def _in_flight(options: Options) -> int | None:
    """Return the bytes of a connection that are on their way, None where nothing says so; raises UsageError.

    What a sender keeps until it is acknowledged is its throughput times the round trip (RFC 1323, bandwidth-delay).
    """
    if options.throughput is None and options.rtt is None:
        return options.bytes_in_flight
    if options.throughput is None or options.rtt is None:
        given, missing = ("--rtt", "--throughput") if options.throughput is None else ("--throughput", "--rtt")
        raise UsageError(f"{given} needs {missing}: their product is what is in flight")
    if options.bytes_in_flight is not None:
        raise UsageError("--bytes-in-flight is what --throughput and --rtt come to: name it, or these two")
    return -(-options.throughput * options.rtt // 1000)


def _check_size(workload: Workload) -> None:
    """Raise UsageError for more backends, or more pools, than are counted and judged within half a minute."""
    backends_ = len(workload.backends)
    if backends_ > _BACKENDS:
        raise UsageError(f"{backends_:,} backends, of at most {_BACKENDS:,} that are counted; name those of one host")
    pools = sum(len(backend.sources or workload.sources) or 1 for backend in workload.backends)
    if pools > _POOLS:
        many = f"{pools:,} pairs of source and backend, of at most {_POOLS:,} that are counted"
        raise UsageError(f"{many}; name fewer sources, or fewer backends")
