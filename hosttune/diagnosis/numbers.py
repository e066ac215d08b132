"""Numbers that were told, held against every limit that could be that number; and what such a coincidence weighs.

A number names no limit: of the two dozen that a host has, one is often near by chance. What is returned here is a hint,
and the reading that decides; what a rule makes of its own limit is the rule's.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hosttune import registry
from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.known_limits import Limit, limits
from hosttune.model import Cause, Certainty, Evidence, LogHit

_FEWEST = 100  # smaller numbers in a line are codes, shares and counts of anything
_MOST = 6  # numbers of one line
_IN_LINE = 0.002  # a line has the limit itself in it, or the count at that moment
_SHOWN = 3
_DECADE = math.log(10)
_OFTEN = 3  # one number of so many: no sign at all
_RARE = 1_000  # sizes are not spread so evenly that more could be said
_ROUND = 500
_TOLD = ("--stalled-at", pool_rows.RANGE)  # where evidence is from that is a number, and a setting beside it
_PLAIN = re.compile(r"(?<![\w.:/@#=\[,-])(?:\d{1,3}(?:,\d{3}){1,3}|\d{3,10})(?![\w:/@\]-]|[.,]\d)")
"""A number that stands by itself in a line: no part of an address, a time, a date, a name, a path or a [pid]."""

_NOT_COUNTED = ("port", "pid", "client")
"""Named numbers of a line that are no count and no limit."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A number that is where a limit would stop it; `among` limits of about its size were compared.

    `where` is the option that told it, `line` of which program's log it is, "" for what a person said.
    """

    number: int
    where: str
    limit: Limit
    among: int
    line: str = ""

    @property
    def odds(self) -> int:
        """Of how many numbers of this size one is as near to one of the limits compared, by chance; 1 is any.

        Sizes of things are spread evenly over the decades, so a limit takes a share of one that is its distance.
        """
        chance = self.among * (abs(self.limit.at - self.number) + 1) / (self.number * _DECADE)
        return max(round(1 / chance), 1)

    @property
    def weight(self) -> str:
        """What the coincidence weighs, in words."""
        if _is_round(self.number):
            return "a round number alone: many settings and targets are such"
        if self.odds <= _OFTEN:
            return f"a number alone: nearly any is as near to one of {self.among:,} limits"
        odds = f"1 number in {self.odds:,}" if self.odds <= _RARE else f"fewer than 1 in {_RARE:,}"
        of = f"one of {self.among:,} limits" if self.among > 1 else "this limit"
        return f"a number alone: by chance {odds} is as near to {of}"

    def __str__(self) -> str:
        of = f" in a line of {self.line}" if self.line else ""
        away = self.limit.at - self.number
        by = f"{abs(away):,} {'below' if away > 0 else 'above'}" if away else "exactly"
        at = f" {self.limit.at:,}," if away else ""
        return f"{self.number:,}{of} is {by}{at} {self.limit.name}"


def fits(clues: Clues) -> tuple[Fit, ...]:
    """Return each number that was told with each limit that it fits, the nearest first; one for limits of one kind."""
    # many listeners and processes have limits alike
    every = {(limit.kind, limit.at): limit for limit in reversed(tuple(limits(clues)))}.values()
    found: list[Fit] = []
    for number, where, line in _told(clues):
        compared = [limit for limit in every if line or limit.stops]
        among = len({limit.at for limit in compared if number**2 <= limit.at**2 * 10 and limit.at**2 <= number**2 * 10})
        near = (limit for limit in compared if saying.near(number, limit.at, _IN_LINE if line else limit.slack))
        found += [Fit(number, where, limit, max(among, 1), line) for limit in near]
    found.sort(key=lambda fit: (-fit.odds, fit.limit.kind))
    first: dict[tuple[str, str], Fit] = {}
    for fit in found:
        first.setdefault((fit.limit.kind, fit.where), fit)
    return tuple(first.values())


def weighed(clues: Clues, held: Iterable[Cause]) -> tuple[Cause, ...]:
    """Return held causes, those that stop at a number which a person told with what such a coincidence weighs.

    A cause that is certain, or beside which a call failed, stands by more than its number. One that stands by a number
    alone, which is a round one or one of those that are often near, is no more than possible.
    """
    told = {fit.limit.kind: fit for fit in fits(clues) if not fit.line}
    return tuple(_weighed(clues, cause, told.get(cause.kind)) for cause in held)


def _weighed(clues: Clues, cause: Cause, fit: Fit | None) -> Cause:
    failed = clues.symptom.hits or any(errno != "none" for errno, _ in clues.failures())
    if fit is None or failed or cause.certainty is Certainty.CERTAIN:
        return cause
    stands = saying.near(fit.number, cause.at) if cause.at else any(seen.where == fit.where for seen in cause.evidence)
    if not stands:
        return cause
    alone = all(seen.where in _TOLD for seen in cause.evidence)
    weak = fit.odds <= _OFTEN or (_is_round(fit.number) and not saying.near(fit.number, fit.limit.at, _IN_LINE))
    certainty = Certainty.POSSIBLE if alone and weak else cause.certainty
    return dataclasses.replace(cause, certainty=certainty, evidence=(*cause.evidence, Evidence(fit.weight, fit.where)))


def beside(clues: Clues, held: tuple[Cause, ...], excluded: tuple[Cause, ...]) -> tuple[str, ...]:
    """Return the limits that a number fits and that no cause speaks of, each with the reading that decides.

    None of a kind that was looked at and does not bind, nor of one that cannot give the errno that was met; none at
    all where a cause is certain, or where nearly any number is as near.
    """
    if any(cause.certainty is Certainty.CERTAIN for cause in held):
        return ()
    spoken = {cause.kind for cause in (*held, *excluded)}
    other = [fit for fit in fits(clues) if fit.odds > _OFTEN and fit.limit.kind not in spoken]
    other = [fit for fit in other if _can_be(clues, fit.limit.kind)]
    return tuple(f"{fit}: {fit.limit.reading} ({fit.weight})" for fit in other[:_SHOWN])


def _can_be(clues: Clues, kind: str) -> bool:
    """Say whether a cause of a kind can give what was met; where no rule speaks of the kind, anything can."""
    package, name = "hosttune.diagnosis.rules", kind.replace("-", "_")
    if name not in registry.names(package):
        return clues.met("none") is not False
    return registry.load(package, name).RULE.gives_what_was_met(clues) is not False


def _told(clues: Clues) -> Iterator[tuple[int, str, str]]:
    """Yield the numbers that were told, each once, with the option, and the program where a line has it."""
    if clues.stalled_at:
        yield clues.stalled_at, "--stalled-at", ""
    seen = {clues.stalled_at}
    for hit in clues.symptom.hits:
        for number in (*_named(hit), *written(hit.line)):
            if number not in seen:
                seen.add(number)
                yield number, "--log", hit.program


def _named(hit: LogHit) -> Iterator[int]:
    return (number for name, number in hit.numbers.items() if name not in _NOT_COUNTED and number >= _FEWEST)


def written(line: str) -> tuple[int, ...]:
    """Return the numbers in a line that can be a count or a limit, with or without thousands separators."""
    every = (int(text.replace(",", "")) for text in _PLAIN.findall(line))
    return tuple(dict.fromkeys(number for number in every if number >= _FEWEST))[:_MOST]


def _is_round(number: int) -> bool:
    return number % _ROUND == 0 or number & (number - 1) == 0
