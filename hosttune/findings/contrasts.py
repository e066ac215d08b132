"""What one difference does: the bounds and verdicts of a host with either value, held against each other; pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping

from hosttune.model import Bound, Contrast, Effect, Finding, Report, Severity, Unknown, Verdict

_WRONG = (Verdict.FAIL, Verdict.DRIFT)
_ENDLESS = 1 << 62
"""What stands for no limit where two bounds are compared."""

_NOISE = 0.01
"""How far two bounds are apart, as a logarithm, that matter: memory and a program's own descriptors differ by less."""

_CARRIED, _BOUND, _SLOW, _REQUIRED = 1000.0, 10.0, 1.0, 0.5
"""What weighs most: where the host stops, then any bound below the target, where it slows, what is required."""


def carried(report: Report) -> Bound | None:
    """Return the bound of connections at which a host stops, None where none is known."""
    known = [bound for bound in report.bounds if isinstance(bound.hard, int) and bound.unit == "connections"]
    return min(known, key=lambda bound: bound.hard if isinstance(bound.hard, int) else _ENDLESS, default=None)


def says_anything(report: Report) -> bool:
    """Say whether a report has any value of its host: one of an empty recording has none."""
    return any(finding.reading and not isinstance(finding.reading.runtime, Unknown) for finding in report.findings)


def contrast(subject: str, left: str, right: str, pairs: Iterable[tuple[Report, Report]]) -> Contrast:
    """Return one difference with what it does; each pair is a host with the left value and with the right one."""
    effects: dict[str, tuple[float, Effect]] = {}
    for one, other in pairs:
        for weight, effect in _effects(one, other):
            if weight > effects.get(effect.what, (0.0, effect))[0]:
                effects[effect.what] = (weight, effect)
    ranked = sorted(effects.values(), key=lambda item: (-item[0], item[1].what))
    grave = any(effect.grave for _, effect in ranked)
    weight = sum(weight for weight, _ in ranked)
    return Contrast(subject, left, right, tuple(effect for _, effect in ranked), grave, weight)


def ranked(contrasts: Iterable[Contrast]) -> tuple[Contrast, ...]:
    """Return differences in order: those that matter first, and of each kind the weightiest."""
    return tuple(sorted(contrasts, key=lambda row: (not row.matters, -row.weight, row.subject)))


def limits(left: Report, right: Report) -> tuple[str, str] | None:
    """Return the limits of descriptors that two reports do not share, as each has them; None where they share all."""
    ones, others = _subjects(left), _subjects(right)
    names = [name for name in sorted({*ones, *others}) if name.startswith("nofile:")]
    apart = [name for name in names if _value(ones.get(name)) != _value(others.get(name))]
    texts = [
        ", ".join(f"{name.partition('/')[2] or name} {_value(table.get(name))}" for name in apart)
        for table in (ones, others)
    ]
    return (texts[0], texts[1]) if apart else None


def by_report(left: Report, right: Report) -> tuple[Contrast, ...]:
    """Return what two reports do not share, where nothing more of their hosts is known: subject by subject.

    A bound goes by the subjects that it names among its readings.
    """
    ones, others = _subjects(left), _subjects(right)
    rows = []
    for subject in sorted({*ones, *others}):
        one, other = _value(ones.get(subject)), _value(others.get(subject))
        if one == other:
            continue
        name = subject.partition(":")[2] or subject
        row = contrast(name, one, other, [(_about(left, subject, name), _about(right, subject, name))])
        # where the whole host stops weighs more than where this alone would stop it
        first = any(bound is not None and name in bound.reads for bound in (carried(left), carried(right)))
        rows.append(dataclasses.replace(row, weight=row.weight * (_CARRIED if first else 1.0)))
    return ranked(rows)


def _subjects(report: Report) -> Mapping[str, Finding]:
    return {str(finding.subject): finding for finding in report.findings if finding.reading}


def _value(finding: Finding | None) -> str:
    """Return what a reading says now, and at boot where that is another."""
    if finding is None or finding.reading is None:
        return "not checked"
    now, boot = finding.reading.runtime, finding.reading.boot
    text = _text(now)
    later = "" if isinstance(boot, Unknown) or boot == now else f", at boot {_text(boot)}"
    return f"{text}{later}"


def _text(value: object) -> str:
    if isinstance(value, Unknown):
        return "not known"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _about(report: Report, subject: str, name: str) -> Report:
    """Return a report of one subject: its findings, and the bounds that are made of it."""
    return dataclasses.replace(
        report,
        findings=tuple(finding for finding in report.findings if str(finding.subject) == subject),
        bounds=tuple(bound for bound in report.bounds if name in bound.reads),
    )


def _effects(one: Report, other: Report) -> Iterable[tuple[float, Effect]]:
    target = one.workload.connections
    goals = {"connections": target, "connections/s": one.workload.rate}
    yield from _stops(one, other, target)
    least = {bound.id for bound in (carried(one), carried(other)) if bound}
    lefts, rights = ({bound.id: bound for bound in report.bounds} for report in (one, other))
    for name in [*lefts, *(name for name in rights if name not in lefts)]:
        left, right = lefts.get(name), rights.get(name)
        # where it stops is said already
        yield from () if least == {name} else _of_hard(left, right, goals)
        yield from _of_knee(left, right, goals)
    yield from _of_findings(one, other)


def _stops(one: Report, other: Report, target: int) -> Iterable[tuple[float, Effect]]:
    left, right = carried(one), carried(other)
    if left is None or right is None:
        return
    numbers = [bound.hard if isinstance(bound.hard, int) else _ENDLESS for bound in (left, right)]
    if numbers[0] == numbers[1]:
        return
    apart, least = _ratio(*numbers), min(numbers)
    was, then = (f"{number:,} ({bound.name})" for number, bound in zip(numbers, (left, right), strict=True))
    effect = Effect("stops at", was, then, _grave(apart, least, target))
    yield apart * (_CARRIED if least < target else _BOUND), effect


def _grave(apart: float, least: int, target: int) -> bool:
    return least < target and apart >= _NOISE


def _of_hard(left: Bound | None, right: Bound | None, goals: Mapping[str, int]) -> Iterable[tuple[float, Effect]]:
    known = left or right
    hards = [_hard(bound) for bound in (left, right)]
    # a value that the exchange made unreadable is no effect of it
    if known is None or hards[0] == hards[1] or "not known" in hards:
        return
    least = min((hard for hard in hards if isinstance(hard, int)), default=_ENDLESS)
    goal = goals.get(known.unit, 0)
    apart = _ratio(*(hard if isinstance(hard, int) else None for hard in hards))
    was, then = (_amount(hard, known.unit) for hard in hards)
    yield apart * (_BOUND if least < goal else _SLOW), Effect(known.name, was, then, _grave(apart, least, goal))


def _of_knee(left: Bound | None, right: Bound | None, goals: Mapping[str, int]) -> Iterable[tuple[float, Effect]]:
    known = left or right
    knees = [bound.knee if bound else None for bound in (left, right)]
    if known is None or knees[0] == knees[1]:
        return
    was, then = (f"{knee:,}" if knee is not None else "never" for knee in knees)
    apart, least = _ratio(*knees), min(knee for knee in knees if knee is not None)
    grave = _grave(apart, least, goals.get(known.unit, 0))
    yield apart * _SLOW, Effect(f"{known.name}, slow above", was, then, grave)


def _hard(bound: Bound | None) -> int | str | None:
    """Return a limit; a word where it is not known, None where there is none."""
    if bound is None or bound.hard is None:
        return None
    return bound.hard if isinstance(bound.hard, int) else "not known"


def _amount(hard: int | str | None, unit: str) -> str:
    return f"{hard:,} {unit}" if isinstance(hard, int) else hard or "no limit"


def _ratio(one: int | None, other: int | None) -> float:
    """Return how far two numbers are apart, whichever is the greater; None is no limit."""
    low, high = sorted((_ENDLESS if number is None else number) + 1 for number in (one, other))
    return min(math.log(high / low), 20.0)


def _of_findings(one: Report, other: Report) -> Iterable[tuple[float, Effect]]:
    lefts, rights = ({finding.id: finding for finding in report.findings} for report in (one, other))
    for name in sorted({*lefts, *rights}):
        left, right = lefts.get(name), rights.get(name)
        known = left or right
        if known is None:
            continue
        grave = known.severity.rank >= Severity.ERROR.rank
        layers = ("now", "at boot") if known.requirement else ("",)
        for number, layer in enumerate(layers):
            wrong = [_fails(finding, number) for finding in (left, right)]
            if wrong[0] == wrong[1]:
                continue
            what = f"what is required {layer} of {known.subject.name}" if layer else f"warning: {known.because}"
            texts = ("does not hold", "holds") if layer else ("yes", "no")
            was, then = (texts[0] if bad else texts[1] for bad in wrong)
            yield _REQUIRED * (2 if grave else 1), Effect(what, was, then, grave)


def _fails(finding: Finding | None, layer: int) -> bool:
    """Say whether what is required does not hold now (0), or after a boot (1)."""
    if finding is None:
        return False
    if finding.verdict is Verdict.DRIFT and finding.in_force is not None:
        return finding.in_force is bool(layer)
    return finding.verdict in _WRONG
