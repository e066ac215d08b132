"""What a diagnosis is decided from: two gatherings of a host, and what a person said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hosttune import kernel
from hosttune.findings import usage
from hosttune.model import (
    Backend,
    BindMode,
    Bound,
    Configuration,
    Flow,
    GroupLimit,
    Ipvs,
    Listener,
    LogHit,
    Machine,
    Pools,
    PortUsers,
    Program,
    Rates,
    Symptom,
    Tracked,
    Traffic,
    Unknown,
    Use,
    Value,
    Watching,
    Where,
)
from hosttune.model.clouds import KnownCloud
from hosttune.model.filtering import Ruleset, Translated
from hosttune.model.programs import KnownProgram

_FRESH = 60.0
"""Seconds in which a line of the kernel's log counts as of now: such lines are rate-limited (lib/ratelimit.c)."""


@dataclass(frozen=True, slots=True)
class Clues:
    """All that the rules may use; what could not be read is Unknown or absent, and excludes nothing.

    `programs` are processes as they are now, `earlier` as they were at the first gathering; `named`: the person named
    them. `groups` are the limits of their control groups, likewise. `pools` are of the destinations that were found or
    named; `backends` those that were named, `network` is the inode of the network namespace,
    None where it was not seen, `files` the options that name their configuration, `accepts`: a role was
    named that opens no connections; `bind_mode` that which
    was, None where none was. `rate` is new connections a second that are the target, 0 where none was given.
    `configuration` is that of the program, as it is in force
    where it says so, None where none was read; `carried` are the connections that the program holds, None where not
    known. `tracked` is what fills the conntrack table, None where it is far from full and nothing was refused. `log` is
    the age in seconds and the text of the kernel's lines. `ruleset` is what the packet filter does, None where nothing
    tracks connections, `translated` the ports of source NAT in use towards the destinations of `tracked`. `known` is
    what is known of the programs, `clouds` of providers of machines, `bounds` are those of a role that was named.
    `addresses` are those of the host, `port_users` the sockets that have a port which a log says is taken, None where
    it says of none. `ipvs` is what IPVS balances, None where it does nothing. `watching` is what each user has of
    inotify, None where nothing asks for it, `mappings` those of memory by process. `examined`: a host answered, not
    only a person. `where` is what was judged, and whose it is. `notes` say what of the questions had no answer.
    """

    machine: Machine
    symptom: Symptom
    rates: Rates
    limits: Mapping[str, Value | Unknown]
    traffic: Traffic | Unknown
    pools: Pools = field(default_factory=Pools)
    programs: tuple[Program, ...] = ()
    earlier: tuple[Program, ...] = ()
    named: bool = False
    owners: Mapping[int, int] = field(default_factory=dict)
    groups: tuple[GroupLimit, ...] | Unknown = ()
    groups_earlier: tuple[GroupLimit, ...] = ()
    log: tuple[tuple[float, str], ...] | Unknown = ()
    bounds: tuple[Bound, ...] = ()
    backends: tuple[Backend, ...] = ()
    files: str = ""
    network: int | None = None
    accepts: bool = False
    sources: tuple[str, ...] = ()
    bind_mode: BindMode | None = None
    rate: int = 0
    configuration: Configuration | None = None
    carried: int | None = None
    tracked: Tracked | Unknown | None = None
    known: tuple[KnownProgram, ...] = ()
    clouds: tuple[KnownCloud, ...] = ()
    addresses: tuple[str, ...] = ()
    port_users: PortUsers | Unknown | None = None
    ipvs: Ipvs | Unknown | None = None
    ruleset: Ruleset | Unknown | None = None
    translated: tuple[Translated, ...] | Unknown = ()
    watching: tuple[Watching, ...] | Unknown | None = None
    mappings: Mapping[int, int] = field(default_factory=dict)
    examined: bool = True
    where: Where = field(default_factory=Where)
    notes: tuple[str, ...] = ()

    def integer(self, key: str) -> int | None:
        """Return a sysctl that is one number, None where it could not be read; a negative one allows nothing."""
        value = self.limits.get(key)
        return max(value, 0) if isinstance(value, int) else None

    def numbers(self, key: str) -> tuple[int, ...] | None:
        """Return a sysctl of several numbers, None where it could not be read."""
        value = self.limits.get(key)
        return value if isinstance(value, tuple) else None

    def text(self, key: str) -> str:
        """Return a sysctl as text, "" where it could not be read."""
        value = self.limits.get(key)
        return "" if value is None or isinstance(value, Unknown) else str(value)

    def met(self, *errnos: str, calls: tuple[str, ...] = ()) -> bool | None:
        """Say whether one of the errnos was met, at one of the calls if those are known; None: no errno was named.

        "none" is what a person says who saw no error at all.
        """
        known = self.failures()
        if not known:
            return None
        # that nothing failed says nothing of a call
        fitting = [(errno, call) for errno, call in known if errno in errnos]
        return any(errno == "none" or not (calls and call) or call in calls for errno, call in fitting)

    def failures(self) -> tuple[tuple[str, str], ...]:
        """Return the errnos that a person and the logs name, each with its call, "" where that is not known."""
        named = ((self.symptom.errno, self.symptom.call),) if self.symptom.errno else ()
        return (*named, *((hit.errno, hit.call) for hit in self.symptom.hits if hit.errno))

    def hits(self, cause: str) -> tuple[LogHit, ...]:
        """Return the lines of the program's log that can be a sign of a cause."""
        return tuple(hit for hit in self.symptom.hits if cause in hit.causes)

    def lines(self, *words: str, fresh: bool = True) -> tuple[tuple[float, str], ...]:
        """Return the kernel's lines that have one of the words in them: those of the last minute, or all older ones."""
        if isinstance(self.log, Unknown):
            return ()
        return tuple(
            (age, text)
            for age, text in self.log
            if any(word in text for word in words) and (age <= self.rates.seconds + _FRESH) is fresh
        )

    def program(self, pid: int) -> Program | None:
        """Return a process as it is now."""
        return next((program for program in self.programs if program.pid == pid), None)

    def busy(self, program: Program) -> tuple[float, float] | None:
        """Return the CPUs that a process took between the two gatherings, in the kernel and in all; None: not known."""
        before = next((former for former in self.earlier if former.pid == program.pid), None)
        if before is None or self.rates.seconds < 0.05:
            return None
        ticks = kernel.USER_HZ * self.rates.seconds
        return (program.system_ticks - before.system_ticks) / ticks, (program.ticks - before.ticks) / ticks

    @property
    def uses(self) -> tuple[Use, ...]:
        """How full each limit is now, the nearest to its end first."""
        return usage.uses(
            self.rates.now.counters,
            self.limits,
            pools=self.pools,
            programs=self.programs,
            listeners=self.listeners,
            groups=self.groups,
        )

    @property
    def stalled_at(self) -> int | None:
        """The number of connections at which it stopped, as a person said or a log."""
        return self.symptom.stalled_at

    def most(self, counter: str) -> int | None:
        """Return a counter at the higher of the two gatherings; None where it was not observed."""
        counts = [sample.counters.get(counter) for sample in (self.rates.before, self.rates.now)]
        return max((count for count in counts if count is not None), default=None)

    def limits_of(self, controller: str) -> list[GroupLimit]:
        """Return the limits of control groups that are of one controller."""
        return (
            [limit for limit in self.groups if limit.controller == controller] if isinstance(self.groups, tuple) else []
        )

    def refused(self, group: GroupLimit) -> int:
        """Return how often a group met its limit between the two gatherings."""
        before = next((earlier.refused for earlier in self.groups_earlier if earlier.file == group.file), None)
        return max(group.refused - before, 0) if group.refused is not None and before is not None else 0

    @property
    def listeners(self) -> tuple[Listener, ...]:
        return self.traffic.listeners if isinstance(self.traffic, Traffic) else ()

    @property
    def flows(self) -> tuple[Flow, ...]:
        return self.traffic.flows if isinstance(self.traffic, Traffic) else ()

    @property
    def states(self) -> Mapping[str, int]:
        """How many sockets are in each state now."""
        return self.traffic.states if isinstance(self.traffic, Traffic) else {}

    @property
    def opening(self) -> int:
        """Sockets that wait for an answer to their SYN, now."""
        return self.states.get("SYN_SENT", 0)
