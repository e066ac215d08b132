"""A requirement held against a reading gives a finding: right now, and after the next boot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from hosttune.findings.compare import holds
from hosttune.model import Finding, Machine, Operator, Reading, Reason, Requirement, Unknown, Value, Verdict

_NO_SUCH_THING = (Reason.GONE, Reason.MODULE, Reason.ABSENT)


def judge(requirement: Requirement, reading: Reading, default: Value | None = None, rough: bool = False) -> Finding:
    """Return the verdict on both layers, with one sentence why.

    `default` is what the kernel holds after a boot where no file sets the subject, None where that is not known;
    `rough` where it is reckoned and may be a little more.
    """
    reading = _completed(reading, default)
    verdict, because = _verdict(requirement, reading, default, "about " if rough else "")
    now = reading.runtime
    in_force = holds(requirement, now, now) if verdict is Verdict.DRIFT and not isinstance(now, Unknown) else None
    return Finding(
        id=f"{requirement.subject}:{requirement.operator.value}",
        subject=requirement.subject,
        verdict=verdict,
        severity=requirement.severity,
        because=because,
        requirement=requirement,
        reading=reading,
        fix=f"set it {wanted(requirement)}" if verdict in (Verdict.FAIL, Verdict.DRIFT) else "",
        in_force=in_force,
    )


def _completed(reading: Reading, default: Value | None) -> Reading:
    """Return the reading with the numbers of a boot that its line does not give: they stay what the kernel has."""
    boot = reading.boot
    if reading.subject.kind != "sysctl" or not (isinstance(boot, tuple) and isinstance(default, tuple)):
        return reading
    if len(boot) >= len(default):
        return reading
    given = " ".join(map(str, boot))
    note = f"{reading.origin} gives {len(boot)} of {len(default)} numbers ({given}): the others stay at their default"
    return dataclasses.replace(reading, boot=boot + default[len(boot) :], notes=(*reading.notes, note))


def with_tracking(finding: Finding, machine: Machine) -> Finding:
    """Return the finding as it counts here: conntrack's limits matter only where this namespace tracks connections."""
    if not finding.subject.name.startswith("net.netfilter.nf_conntrack") or machine.conntrack is True:
        return finding
    if machine.conntrack is False and finding.verdict is not Verdict.OK:
        sentence = "no connection is tracked in this namespace"
        return dataclasses.replace(finding, verdict=Verdict.NOT_APPLICABLE, because=sentence, fix="", in_force=None)
    if finding.verdict in (Verdict.FAIL, Verdict.DRIFT):
        sentence = f"{finding.because}; whether connections are tracked here: {machine.conntrack}"
        return dataclasses.replace(finding, verdict=Verdict.UNKNOWN, because=sentence, in_force=None)
    return finding


def wanted(requirement: Requirement) -> str:
    """Return what is required in words: `to at least 4,096 connections`."""
    if not requirement.wants and requirement.operator is not Operator.NOT_BELOW_NOW:
        return "to a share of the memory"
    values = [shown(value, requirement.unit) for value in requirement.wants]
    unit = f" {requirement.unit}" if requirement.unit else ""
    match requirement.operator:
        case Operator.AT_LEAST:
            return f"to at least {values[0]}{unit}"
        case Operator.AT_MOST:
            return f"to at most {values[0]}{unit}"
        case Operator.BETWEEN:
            return f"between {values[0]} and {values[1]}{unit}"
        case Operator.COVERS:
            return f"so that it covers {values[0]}{unit}"
        case Operator.ONE_OF:
            return f"to {' or '.join(values)}{unit}"
        case Operator.EQUALS:
            return f"to {values[0]}{unit}"
        case Operator.NOT_BELOW_NOW:
            return "to no less than it is now"


def shown(value: Value, unit: str = "") -> str:
    """Return a value for people: thousands separated, but for ports, which are names more than numbers."""
    if unit in ("port", "ports"):
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(f"{v:,}" for v in value) if isinstance(value, tuple) else value


def _verdict(requirement: Requirement, reading: Reading, default: Value | None, about: str) -> tuple[Verdict, str]:
    now, boot = reading.runtime, reading.boot
    if not requirement.wants and requirement.operator is not Operator.NOT_BELOW_NOW:
        return Verdict.UNKNOWN, "the required value depends on the memory, and its size or that of a page is unknown"
    say = partial(shown, unit=requirement.unit)
    if isinstance(now, Unknown):
        return _without_runtime(requirement, reading, now, default)
    good_now = holds(requirement, now, now)
    if reading.fresh:
        return (Verdict.OK if good_now else Verdict.FAIL), _started_anew(reading, now, say)
    if not good_now and _negative(now) and not any(_negative(want) for want in requirement.wants):
        return Verdict.FAIL, f"{say(now)} now: the kernel took a negative number, which is not `no limit`"
    if isinstance(boot, Unknown):
        if boot.reason is Reason.UNSET and good_now:
            return _by_default(requirement, now, default, about)
        return _without_boot(reading, say(now), boot, good_now)
    return _both(reading, say(now), say(boot), good_now, holds(requirement, boot, now))


def _both(reading: Reading, now: str, boot: str, good_now: bool, good_boot: bool) -> tuple[Verdict, str]:
    """Judge a value now and one on disk, both known."""
    where = f" ({reading.origin})" if reading.origin else ""
    if good_now and good_boot:
        return Verdict.OK, f"{now} now, {boot} at boot{where}"
    beats = f", which beats {reading.beaten[0]}" if reading.beaten else ""
    if good_now:
        why = reading.origin or "nothing on disk sets it"
        return Verdict.DRIFT, f"{now} now, but {boot} after a boot: {why}{beats}"
    if good_boot:
        return Verdict.DRIFT, f"{boot} on disk{where}, not in force: {now} now"
    return Verdict.FAIL, f"{now} now, {boot} after a boot{where}{beats}"


def _started_anew(reading: Reading, now: Value, say: Callable[[Value], str]) -> str:
    """Say what a network namespace holds and what a new one begins with: nothing on disk makes it drift."""
    if isinstance(reading.boot, Unknown):
        return f"{say(now)} now; at boot: {reading.boot.detail}"
    return f"{say(now)} now; at boot {say(reading.boot)}: {reading.notes[0]}"


def _by_default(requirement: Requirement, now: Value, default: Value | None, about: str) -> tuple[Verdict, str]:
    """Judge what holds now and no file sets: after a boot it is the default."""
    say = partial(shown, unit=requirement.unit)
    if default is None:
        return Verdict.UNKNOWN, f"{say(now)} now, no file sets it: whether it is the default is unknown"
    if holds(requirement, default, now):
        return Verdict.OK, f"{say(now)} now, nothing on disk sets it"
    back = f"{about}{say(default)} comes back at a boot"
    return Verdict.DRIFT, f"{say(now)} now, set by hand: no file sets it, {back}"


def _negative(value: Value) -> bool:
    return min(value, default=0) < 0 if isinstance(value, tuple) else isinstance(value, int) and value < 0


def _without_boot(reading: Reading, now: str, boot: Unknown, good: bool) -> tuple[Verdict, str]:
    """Judge what holds now where it is not known what a boot makes of it."""
    if good and boot.reason is Reason.MALFORMED:
        return Verdict.DRIFT, f"{now} now; {boot.detail} ({reading.origin})"
    if good and boot.reason is Reason.MODULE:
        return Verdict.DRIFT, f"{now} now; after a boot: {boot.detail}"
    unset = boot.reason is Reason.UNSET
    after = "nothing on disk sets it" if unset else f"after a boot: {boot.detail or boot.reason.value}"
    return (Verdict.OK if good else Verdict.FAIL), f"{now} now, {after}"


def _refused(requirement: Requirement, boot: Unknown, reading: Reading, default: Value | None) -> tuple[Verdict, str]:
    """Judge a line that the kernel will not take: what is there before it stays, its default as far as is known."""
    sentence = f"{boot.detail} ({reading.origin})"
    if default is None:
        return Verdict.FAIL, f"{sentence}; its own default stays"
    good = holds(requirement, default)
    return (Verdict.OK if good else Verdict.FAIL), f"{sentence}; its default {shown(default, requirement.unit)} stays"


def _without_runtime(
    requirement: Requirement, reading: Reading, now: Unknown, default: Value | None
) -> tuple[Verdict, str]:
    boot = reading.boot
    say = partial(shown, unit=requirement.unit)
    if reading.subject.kind == "sysctl" and now.reason in (Reason.GONE, Reason.ABSENT):
        # a line on disk sets nothing then, and one of ours would not either
        return Verdict.NOT_APPLICABLE, f"{now}; {reading.origin} does nothing" if reading.origin else str(now)
    if isinstance(boot, Unknown):
        if boot.reason is Reason.MALFORMED and now.reason is Reason.UNDECIDED:
            return _refused(requirement, boot, reading, default)
        if boot.reason is Reason.UNSET and now.reason is Reason.UNDECIDED and default is not None:
            good = holds(requirement, default)
            return (Verdict.OK if good else Verdict.FAIL), f"no file sets it: the kernel's {say(default)} will hold"
        absent = now.reason in _NO_SUCH_THING and boot.reason in (Reason.UNSET, *_NO_SUCH_THING)
        return (Verdict.NOT_APPLICABLE if absent else Verdict.UNKNOWN), str(now)
    if now.reason in (Reason.UNDECIDED, *_NO_SUCH_THING):
        good = holds(requirement, boot)
        sentence = f"{say(boot)} after a boot ({reading.origin or 'default'}); now: {now}"
        return (Verdict.OK if good else Verdict.FAIL), sentence
    return Verdict.UNKNOWN, f"{now}; {say(boot)} after a boot ({reading.origin or 'default'})"
