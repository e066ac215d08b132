"""Find the programs that carry a role's connections where no option names one, and read what they were started with."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hosttune.errors import HostError, UsageError
from hosttune.facts import carriers
from hosttune.facts.carriers import Running
from hosttune.host import Host, in_first_network, is_image, netns
from hosttune.host.live import LiveHost
from hosttune.model import Configuration, Reason, Unknown
from hosttune.model.programs import KnownProgram, bare, known_as
from hosttune.options import Options
from hosttune.profile.load import Profile
from hosttune.programs import configuration, knowledge, started
from hosttune.workflows import opening

_NAMING = ("backend", "backends_from", "service", "user", "pid", "process_name")
_IDLE = 32  # descriptors of a process without connections: listeners, logs, what its threads wait with
_GENERATORS = "client"  # the role whose programs open connections alone: they need no listener


@dataclass(frozen=True, slots=True)
class Found:
    """The programs of the role that run: the one that is judged, and the others, the fullest first.

    `configuration` is what the first was started with, Unknown where it could not be read, None where it has none that
    is read here.
    `sought` are the programs that were looked for, () where none was.
    """

    sought: tuple[KnownProgram, ...] = ()
    first: Running | None = None
    others: tuple[Running, ...] = ()
    configuration: Configuration | Unknown | None = None

    @property
    def none(self) -> bool:
        """Whether programs were sought, and none of them runs."""
        return bool(self.sought) and self.first is None

    @property
    def are_services(self) -> bool:
        """Whether each of those that were sought is a unit of its own name."""
        return all(known.deploy is not None and known.deploy.service for known in self.sought)


NOTHING = Found()


class Search:
    """Looks for the programs of the role that run, once; opens its profiles. Raises UsageError or ProfileError."""

    def __init__(self, options: Options) -> None:
        self.profiles = opening.open_profiles(list(options.role), list(options.profile))
        self._options = options
        self._known = _of(self.profiles)
        self._every: list[Running] | None = None

    def elsewhere(self) -> int | None:
        """Return the process that is to be judged, if it is in another network namespace than this process."""
        if not self._known or not names_none(self._options) or not netns.may_enter():
            return None
        every = self._seen(LiveHost())
        return every[0].pid if every and every[0].here is False else None

    def beside(self, host: Host, pid: int) -> int | None:
        """Return the process of the role's program that is to be judged among those of a process's PID namespace."""
        own = host.link(f"/proc/{pid}/ns/pid")
        if not self._known or not names_none(self._options) or not own:
            return None
        every = self._seen(host) or []
        return next((running.pid for running in every if host.link(f"/proc/{running.pid}/ns/pid") == own), None)

    def found(self, host: Host, process: int | None) -> Found:
        """Return the programs that run where no option names one; `process` is what an option, or a search, came to.

        Of a process that is named, it is that program with its configuration.
        """
        options = self._options
        if not self._known or is_image(host):
            return NOTHING
        if not names_none(options):
            named = process is not None and not (options.backend or options.backends_from or options.service)
            return _of_process(host, self._known, process) if named and process is not None else NOTHING
        every = self._seen(host)
        if every is None:
            return NOTHING
        first = next((running for running in every if running.pid == process), None)
        if first is None:
            first = next((running for running in every if running.here is not False), None)
        others = tuple(running for running in every if running is not first)
        return Found(self._known, first, others, read(host, first) if first else None)

    def _seen(self, host: Host) -> list[Running] | None:
        """Return those that run, as they were seen first: before a namespace was entered; None: it cannot be told."""
        if self._every is None:
            try:
                self._every = _ordered(host, self._known, self.profiles)
            except HostError:
                return None
        return self._every


def names_none(options: Options) -> bool:
    """Say whether no option names a program, or where it connects to."""
    return not any(getattr(options, name) for name in _NAMING)


def read(host: Host, running: Running) -> Configuration | Unknown | None:
    """Return what a program was started with; None where nobody here reads its files, or it has none."""
    try:
        given = started.given(host, running)
        return configuration.read(given).configuration if given else None
    except HostError as error:
        return Unknown(error.reason, error.detail)
    except UsageError as error:
        # it runs with them: whatever is wrong, is wrong with how they are read here
        return Unknown(Reason.UNREADABLE, str(error))


def changed(host: Host, running: Running, files: Sequence[str]) -> tuple[str, ...]:
    """Return the files that were written after a program has started, () where that cannot be told."""
    try:
        paths = host.probe("changed", pids=list(running.pids), paths=[running.below + path for path in files])
    except HostError:
        return ()
    return tuple(str(path).removeprefix(running.below) for path in paths)


def _of(profiles: Sequence[Profile]) -> tuple[KnownProgram, ...]:
    """Return the programs that carry the connections of these roles, and of those that they extend."""
    if any(profile.workload.get("backends") for profile in profiles):
        return ()
    roles = {profile.name for profile in profiles}
    services = [bare(profile.service) for profile in profiles if profile.service]
    for name in services:
        deploy = known_as(knowledge.of(name), name).deploy
        roles.update(deploy.roles if deploy else ())
    return knowledge.of_roles(roles)


def _of_process(host: Host, known: Sequence[KnownProgram], pid: int) -> Found:
    """Return what a process that was named was started with."""
    try:
        every = _joined(carriers.listed(host, _names(known)), _waiting(known))
        running = next((one for one in every if pid in one.pids), None)
    except HostError:
        return NOTHING
    return Found(first=running, configuration=read(host, running)) if running else NOTHING


def _names(known: Sequence[KnownProgram]) -> list[str]:
    return sorted({name for program in known for name in program.names})


def _waiting(known: Sequence[KnownProgram]) -> set[str]:
    """Return the names of the programs that have a listener where they carry connections."""
    return {name for program in known if _listens(program) for name in program.names}


def _ordered(host: Host, known: Sequence[KnownProgram], profiles: Sequence[Profile]) -> list[Running]:
    """Return those that carry connections: the one with the role's unit first, then that with the most of them.

    Of those that have none it is the role's own program.

    From a network namespace that somebody has entered, those of others are none of ours.
    """
    waiting = _waiting(known)
    every = _joined(carriers.listed(host, _names(known)), waiting)
    own = [running for running in every if running.program not in waiting or running.listens is not False]
    if not own or not _wanders(host):
        own = [running for running in own if running.here is not False]
    units = {profile.service for profile in profiles if profile.service}
    programs = {bare(unit) for unit in units}

    def order(running: Running) -> tuple[bool, int, bool, int]:
        return running.unit not in units, -_connections(running), running.program not in programs, running.pid

    return sorted(own, key=order)


def _connections(running: Running) -> int:
    """Return about how many it has: its descriptors but those that idle processes keep, some of them for each other."""
    processes = len(running.pids)
    return max((running.descriptors or 0) - processes * (processes + _IDLE), 0)


def _joined(every: Sequence[Running], waiting: Collection[str]) -> list[Running]:
    """Return the programs, of a load generator its nodes as one: that with the file leads those that name none."""
    leads = {(one.program, one.network): one for one in every if one.program not in waiting and _has_files(one)}
    nodes: dict[tuple[str, str], list[Running]] = {}
    rest: list[Running] = []
    for one in every:
        key = (one.program, one.network)
        led = key in leads and (one is leads[key] or not _has_files(one))
        (nodes.setdefault(key, []) if led else rest).append(one)
    return rest + [_node(leads[key], together) for key, together in nodes.items()]


def _node(lead: Running, together: Sequence[Running]) -> Running:
    """Return the fullest node, which is started with what the leading one was."""
    fullest = max(together, key=lambda one: one.descriptors or 0)
    pids = tuple(pid for one in together for pid in one.pids)
    own = {name: getattr(lead, name) for name in ("arguments", "directory", "below", "cut")}
    return dataclasses.replace(fullest, pids=pids, **own)


def _has_files(running: Running) -> bool:
    try:
        return bool(started.paths(running))
    except HostError:
        return True


def _listens(program: KnownProgram) -> bool:
    return bool(program.deploy) and _GENERATORS not in (program.deploy.roles if program.deploy else ())


def _wanders(host: Host) -> bool:
    """Say whether we are where the host itself is, or its first process, so that all others are ours to see."""
    if in_first_network(host):
        return True  # which process has the number 1, and whether it may be looked at, is another matter
    answer = host.probe("namespaces")
    return bool(answer["own"].get("net")) and answer["own"].get("net") == answer["first"].get("net")
