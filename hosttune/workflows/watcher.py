"""Look at a host again and again: what is cheap each time, what is costly as often as its measured cost allows."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from hosttune.errors import HostError, UsageError
from hosttune.facts import counters, traffic
from hosttune.facts import machine as machines
from hosttune.facts import node as namespaces
from hosttune.facts.kinds import sysctl
from hosttune.findings import usage
from hosttune.findings.node import judged
from hosttune.host import Host
from hosttune.model import (
    GroupLimit,
    Node,
    Pools,
    Program,
    Reason,
    Sample,
    Tick,
    Traffic,
    Unknown,
    Use,
)
from hosttune.options import Options
from hosttune.render import namespace_words
from hosttune.watching import budget, counted
from hosttune.workflows import destinations, named_processes, observe

_MOST_USES = 96
"""Uses of one look: a host may have thousands of listeners, and those far from their limit tell nothing."""

_QUESTIONS = {"programs": 2.0, "traffic": 1.0, "pools": 4.0}
"""The costly questions, in the order of their first asking, and how much a wait for each weighs."""

_NAMESPACES = {"namespaces": 2.0}
"""The same of what is asked only where every network namespace is watched."""

_OF_ONE = 2
"""Uses of one other network namespace: those nearest to their limit."""

_KINDS = {"ports": "pools", "nofile": "programs", "cgroup-memory": "programs", "cgroup-pids": "programs"}
_KINDS |= {f"{namespace_words.PART}{kind}": "namespaces" for kind in ("ports", "conntrack")}


class Watcher:
    """A live host, and what was last known of it. Raises UsageError where what shall be watched is not there."""

    def __init__(self, host: Host, options: Options, every: bool = False) -> None:
        self._host, self._options = host, options
        self.machine = machines.gather(host)
        self._pids = named_processes.pids(host, options)
        self._goals = destinations.named(host, options)
        self._traffic: Traffic | Unknown = Unknown(Reason.UNDECIDED)
        self._pools = Pools()
        self._programs: tuple[Program, ...] = ()
        self._groups: tuple[GroupLimit, ...] | Unknown = ()
        self._unseen: tuple[str, ...] = ()
        self._limited: tuple[str, ...] = ()
        self._looks = 0
        self._clock, self._begun = time.monotonic(), time.process_time()
        self._spent = self._begun
        self._cheap = 0.0
        self._questions = _QUESTIONS | (_NAMESPACES if every else {})
        self._node = Node(self.machine)
        self._budget = budget.Budget(self._questions, self._clock)

    def look(self) -> Tick:
        """Return what there is now."""
        clock, spent = time.monotonic(), time.process_time()
        cost = (spent - self._begun) / (clock - self._clock) if self._looks else None
        # what was spent since the last look's end: on showing and recording it
        self._budget.spend(spent - self._spent)
        self._clock, self._begun = clock, spent
        sample = counters.gather(self._host, self.machine.cloud)
        held = sysctl.limits(self._host)
        self._ask_queues()
        dear = self._ask(sample, clock)
        taken = usage.uses(
            sample.counters,
            held,
            pools=self._pools,
            programs=self._programs,
            listeners=self._traffic.listeners if isinstance(self._traffic, Traffic) else (),
            groups=self._groups,
        )
        taken = (*taken, *self._of_namespaces())
        now = time.monotonic()
        ages = {name: self._budget.age(name, now) for name in self._questions}
        self._looks += 1
        took = time.process_time() - spent
        self._budget.spend(took - dear)
        self._cheap, self._spent = took - dear, spent + took
        return Tick(
            time=time.time(),
            at=sample.at,
            counters=counted.kept(sample.counters),
            uses=_chosen(taken),
            ages={use.id: ages[_KINDS[use.kind]] for use in taken if use.kind in _KINDS},
            cost=cost,
            notes=(*self._unseen, *self._limited, *self._pools.notes, *self._unentered()),
            namespaces=self._node.namespaces,
        )

    def pause(self, interval: float) -> float:
        """Return the seconds from the last look to the next: the interval, or longer where a look costs much."""
        return budget.pace(interval, self._cheap)

    def _ask(self, sample: Sample, clock: float) -> float:
        """Ask the costly questions that are due; return what they cost in seconds of a core."""
        sockets = sum(sample.counters.get(f"sockstat.{name}", 0) for name in ("TCP.inuse", "TCP6.inuse", "TCP.tw"))
        self._budget.pass_time(clock, budget.share(sockets))
        seen = budget.signs(sample.counters)
        # what the sockets' counters show says nothing of files
        signs: Mapping[str, object] = {"programs": sample.at, "traffic": seen, "pools": seen, "namespaces": sample.at}
        answers: dict[str, Callable[[], None]] = {
            "programs": self._ask_programs,
            "traffic": lambda: self._ask_traffic(sample),
            "pools": self._ask_pools,
            "namespaces": self._ask_namespaces,
        }
        total = 0.0
        while name := self._budget.next(signs):
            start = time.process_time()
            answers[name]()
            took = time.process_time() - start
            total += took
            self._budget.spend(took)
            self._budget.asked(name, took, signs[name], clock)
            if name == "traffic":  # which counts the ports on its way: for them alone about half is to be paid
                self._budget.answered("pools", took / 2, signs["pools"], clock)
        return total

    def _ask_programs(self) -> None:
        try:
            self._pids = named_processes.pids(self._host, self._options)
            answer = traffic.programs(self._host, self._pids, Unknown(Reason.UNDECIDED))
        except UsageError as error:
            answer = Unknown(Reason.ABSENT, str(error))  # it has ended, and may come back
        self._programs = () if isinstance(answer, Unknown) else answer.programs
        self._groups = observe.groups(self._host, self._programs)
        self._unseen = (f"the descriptors of programs: {answer}",) if isinstance(answer, Unknown) else ()

    def _ask_traffic(self, sample: Sample) -> None:
        seen = traffic.gather(self._host, sample)
        self._traffic = seen.traffic
        self._limited = observe.limited(seen.traffic)
        self._pools = destinations.pools(self._host, self._goals, seen)

    def _ask_pools(self) -> None:
        """Count the ports towards the destinations that are known: the kernel lists no other socket for that."""
        self._pools = destinations.pools(self._host, self._goals, traffic.Seen(self._traffic))

    def _ask_namespaces(self) -> None:
        self._node = judged(namespaces.gather(self._host, self.machine, others=True))

    def _of_namespaces(self) -> Iterator[Use]:
        """Yield how full the limits of the other network namespaces are, by their names."""
        for each in self._node.namespaces:
            used = [use for use in each.uses if use.used and (use.of or use.kind == "conntrack")]
            yield from (namespace_words.named(each, use) for use in used[:_OF_ONE])

    def _unentered(self) -> tuple[str, ...]:
        """Return how many of the network namespaces could not be looked at, and why the first of them."""
        unknown = [each for each in self._node.namespaces if each.unknown is not None]
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        first = [f"{namespace_words.called(each)}{more}: {each.unknown}" for each in unknown[:1]]
        return (*first, *self._node.notes)

    def _ask_queues(self) -> None:
        """Bring the accept queues up to now, which is cheap; all else that is known of sockets stays as it is."""
        if isinstance(self._traffic, Unknown):
            return
        with contextlib.suppress(HostError):
            self._traffic = dataclasses.replace(self._traffic, listeners=traffic.listeners(self._host))


def _chosen(uses: Sequence[Use]) -> tuple[Use, ...]:
    """Return the nearest of the uses that stand for one of many, and all others; each id once."""
    many = sorted((use for use in uses if use.of), key=lambda use: -use.nearness)
    single = [use for use in uses if not use.of]
    return tuple({use.id: use for use in (*single, *many[: _MOST_USES - len(single)])}.values())
