"""From options to what they mean: profiles, workload, and whose descriptor limits count."""

from __future__ import annotations

import dataclasses
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hosttune import printable
from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.facts import process as running
from hosttune.facts import where as place
from hosttune.facts.kinds import nofile
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Programs, Settings, Workload
from hosttune.model.programs import bare, known_as
from hosttune.options import Options, Place, spelled
from hosttune.profile import merge
from hosttune.profile.load import Profile, Row
from hosttune.programs import configuration, knowledge
from hosttune.resolve.systemd_limits import resolve_unit
from hosttune.workflows import opening, trust

# systemd.unit(5); what is none of these is the beginning of a service's name, as systemctl takes it
_OTHER_UNITS = ("socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope")
_BACKENDS, _POOLS = 6_000, 20_000
_LOCAL_SOURCES = {"files", "compat", "db", "systemd"}  # the last knows dynamic users only, and no login is one


@dataclass(frozen=True, slots=True)
class Target:
    """What the options come to on one host; `notes` are remarks on a configuration that was read.

    `came` is how this run came to where it looks from.
    """

    profiles: list[Profile]
    workload: Workload
    programs: Programs
    notes: tuple[str, ...]
    came: place.Came = place.HERE


def named_process(options: Options) -> int | None:
    """Return the process of this host in whose network namespace to look, None where it is that of this one.

    Raises UsageError.
    """
    if options.process_name:
        return running.by_name(LiveHost(), options.process_name)
    if options.pid is None and options.service and os.geteuid() == 0:
        # a unit with PrivateNetwork= or NetworkNamespacePath= has a network of its own
        return next(iter(nofile.processes(LiveHost(), options.service)), None)
    return options.pid


def standpoint(options: Options, place: Place) -> AbstractContextManager[opening.Standpoint]:
    """Look from where the process, the service or the namespace named is; raises UsageError."""
    return opening.standpoint(place, lambda: named_process(options))


def view(options: Options, netns: str, snapshot: str = "", root: str = "/") -> AbstractContextManager[opening.View]:
    """Look for a while from where the process, the service or the namespace named is; raises UsageError."""
    return opening.view(netns, lambda: named_process(options), snapshot, root)


def load(host: Host, options: Options, process: int | None = None) -> Target:
    """Read profiles and configurations; `process` is what --process-name came to. Raises UsageError or ProfileError."""
    profiles = opening.open_profiles(list(options.role), list(options.profile))
    pid = options.pid
    if options.process_name:
        pid = process if process is not None else running.by_name(host, options.process_name)
    own = next((p for p in profiles if p.service), None)
    unit = _unit(host, options.service) if options.service else own.service if own else ""
    raises = own is not None and own.service_raises_nofile and unit == own.service
    for user in options.user:
        _check_user(host, user)
    programs = Programs(unit, tuple(options.user or ["root"]), pid, raises)
    workload, notes, settings = _workload(options, host, profiles, _running(host, pid, unit if options.service else ""))
    programs = dataclasses.replace(programs, settings=settings)
    if options.user:
        profiles = _for_logins(profiles)
    return Target(profiles, workload, programs, notes)


def _unit(host: Host, name: str) -> str:
    """Return the unit that --service names; raises UsageError where this host has none."""
    kind = name.rpartition(".")[2]
    if kind in _OTHER_UNITS:
        raise UsageError(f"--service {name}: a {kind}, which runs no program; name the service")
    unit = name if kind == "service" else f"{name}.service"
    # in a recording, what was not asked for is not there; that says nothing of the host
    if isinstance(host, LiveHost):
        known = resolve_unit(host, unit)
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
    return printable.words(spelled(options, ("pid", "process_name", "service", "user")))


def _running(host: Host, pid: int | None, unit: str) -> str:
    """Return the program that the options name, "" where they name none."""
    return running.name(host, pid) if pid is not None else unit


def _workload(
    options: Options, host: Host, profiles: list[Profile], program: str
) -> tuple[Workload, tuple[str, ...], Settings | None]:
    """Return the workload, what is to be noted of the configuration it was read from, and what that sets."""
    notes: tuple[str, ...] = ()
    settings, pipes = None, None
    targets = [backends.parse(host, text) for text in options.backend]
    mode, span = backends.parse_bind_mode(options.bind_mode) if options.bind_mode else (None, None)
    if options.backends_from:
        known = configuration.from_config(host, options.backends_from)
        trust.weigh(known.doubts)
        targets.extend(known.backends)
        notes, settings, program = known.notes, known.settings, known.settings.program
        if known.hint and mode is None:
            mode, span = known.hint
        if not any("pipes_per_connection" in profile.workload for profile in profiles):
            pipes = known.pipes
    traits = known_as(knowledge.of(program), program).traits
    if mode is None and not settings and traits.binds_first.value:
        mode = BindMode.BIND
        where = "add --source 0.0.0.0 where it names no address, --bind-mode bind:LO-HI where it has a range of ports"
        notes = (f"{bare(program)} binds before it connects, taken as --bind-mode bind; {where}",)
    workload = merge.workload(
        profiles,
        connections=options.connections,
        rate=options.rate,
        hold=options.hold,
        backends=tuple(targets) or None,
        sources=backends.parse_sources(list(options.source)) or None,
        bind_mode=mode,
        bind_range=span,
        pipes_per_connection=pipes,
        descriptors_per_connection=traits.per_connection.value or None,
    )
    _check_size(workload)
    return workload, notes, settings


def _check_size(workload: Workload) -> None:
    """Raise UsageError for more backends, or more pools, than are counted and judged within some seconds."""
    backends_ = len(workload.backends)
    if backends_ > _BACKENDS:
        raise UsageError(f"{backends_:,} backends; at most {_BACKENDS:,} are counted towards, name those of one host")
    pools = sum(len(backend.sources or workload.sources) or 1 for backend in workload.backends)
    if pools > _POOLS:
        raise UsageError(f"{pools:,} pairs of source and backend; at most {_POOLS:,} are counted, name fewer of either")
