"""How many users the load of a tsung.xml starts, and how many of them are there at once by their thinktimes."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from hosttune.programs.shelves.tsung.document import Element

_SECONDS = {"hour": 3600.0, "minute": 60.0, "second": 1.0, "millisecond": 0.001}
_LOOPS = 10_000


@dataclass(frozen=True, slots=True)
class Phase:
    """Users that arrive in so many seconds at a rate, at most `most` of them; `where` is file:line."""

    seconds: float
    rate: float
    most: float
    where: str

    def users(self, share: Fraction) -> int:
        """Return the users of a part of the clients: Tsung rounds what a duration comes to."""
        arriving = round(self.seconds * self.rate * float(share))
        return min(arriving, math.ceil(Fraction(self.most) * share)) if math.isfinite(self.most) else arriving


@dataclass(frozen=True, slots=True)
class Load:
    """All phases of one run through, and how often they are run through; `fixed` users have a time of their own."""

    phases: tuple[Phase, ...]
    runs: int
    fixed: int
    where: str

    def users(self, share: Fraction) -> int:
        """Return how many users are started at most by a part of the clients."""
        return self.runs * sum(phase.users(share) for phase in self.phases) + math.ceil(self.fixed * share)

    def at_once(self, share: Fraction, stay: float) -> int:
        """Return how many are there at once at most where each stays for so many seconds."""
        ends = [0.0]
        for phase in self.phases:
            ends.append(ends[-1] + self._lasts(phase))
        begun = [0]
        for phase in self.phases:
            begun.append(begun[-1] + phase.users(share))
        whole, lasts = begun[-1], ends[-1]

        def started(at: float) -> float:
            """Return how many have come by a time; each run through is like the first."""
            if at <= 0 or lasts <= 0:
                return 0.0
            run = min(int(at // lasts), self.runs)
            if run == self.runs:
                return float(self.runs * whole)
            within, count = at - run * lasts, float(run * whole)
            for number, phase in enumerate(self.phases):
                part = min(max(within - ends[number], 0.0) / (ends[number + 1] - ends[number] or 1), 1.0)
                count += part * phase.users(share)
            return count

        times = [run * lasts + end + later for run in range(min(self.runs, 3)) for end in ends for later in (0, stay)]
        most = max((started(at) - started(at - stay) for at in times), default=0.0)
        return math.ceil(most) + math.ceil(self.fixed * share)

    @staticmethod
    def _lasts(phase: Phase) -> float:
        """Return the seconds in which its users come: fewer than it lasts where maxnumber ends it."""
        return min(phase.seconds, phase.most / phase.rate) if phase.rate else phase.seconds


def read(root: Element) -> Load:
    """Return the load of a document."""
    load = root.first("load")
    left = load.number("duration", math.inf) * _seconds(load, "second")
    phases: list[Phase] = []
    for element in sorted(load.each("arrivalphase"), key=lambda element: element.number("phase")):
        seconds = min(element.number("duration") * _seconds(element, "second"), max(left, 0.0))
        left -= seconds
        phases.extend(_phase(element, seconds))
    names = [session.get("name") for session in root.first("sessions").each("session")]
    fixed = sum(_matching(user.get("session"), names) for user in load.each("user"))
    return Load(tuple(phases), min(int(load.number("loop")), _LOOPS) + 1, fixed, load.where)


def _phase(element: Element, seconds: float) -> Iterator[Phase]:
    for users in [*element.each("users")][-1:]:
        unit = _seconds(users, "second")
        every, rate = users.number("interarrival"), users.number("arrivalrate")
        per_second = 1 / (every * unit) if every else rate / unit
        yield Phase(seconds, per_second, users.number("maxnumber", math.inf), users.where)


def _matching(wanted: str, names: list[str]) -> int:
    """Return how many sessions a user stands for: a name, or the beginning of some with a star behind it."""
    return sum(fnmatch.fnmatchcase(name, wanted) for name in names) if wanted.endswith("*") else 1


def _seconds(element: Element, default: str) -> float:
    return _SECONDS.get(element.get("unit", default), 1.0)


def stay(root: Element) -> float | None:
    """Return the seconds that the longest session stays by its thinktimes, None where they do not tell."""
    sessions = [*root.first("sessions").each("session")]
    stays = [_stay(session) for session in sessions]
    return None if not stays or None in stays else max(one for one in stays if one is not None)


def _stay(element: Element) -> float | None:
    total = 0.0
    for step in element.within:
        own: float | None = 0.0
        if step.name == "thinktime":
            own = _thinktime(step)
        elif step.name in ("for", "transaction"):
            each = _stay(step)
            times = step.number("to", -1) - step.number("from", -1) + 1 if step.name == "for" else 1
            known = times == 1 or (step.get("to").isdecimal() and step.get("from").isdecimal())
            own = each * max(times, 0) if each is not None and known else None
        elif step.name in ("repeat", "foreach", "if"):
            own = 0.0 if not _thinks(step) else None
        if own is None:
            return None
        total += own
    return total


def _thinktime(step: Element) -> float | None:
    """Return its seconds; at most those of max, which is drawn by chance."""
    value = step.get("max") or step.get("value")
    try:
        seconds = float(value)
    except ValueError:
        return None
    return None if step.get("random") == "true" or not 0 <= seconds < 1e9 else seconds


def _thinks(element: Element) -> bool:
    return any(step.name == "thinktime" or _thinks(step) for step in element.within)
