"""Join requirements and bounds of one host: the same number for one need, now and after a boot."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial

from hosttune.capacity import OF_TUPLES, CapacityFacts, capacity, remedies, short
from hosttune.facts import defaults as default_rules
from hosttune.findings import agreement, judge
from hosttune.findings.agreement import Needs
from hosttune.model import (
    Bound,
    Finding,
    Machine,
    PortPool,
    Programs,
    Reading,
    Reason,
    Requirement,
    Unknown,
    Value,
    Verdict,
    Workload,
)

Known = Mapping[str, Value | None]
_RANGE = "sysctl:net.ipv4.ip_local_port_range"
_PORTS = ("ports", "churn")


def judged(row: Requirement, readings: Mapping[str, Reading], known: Known, machine: Machine) -> Finding:
    """Return the finding of a requirement on this host; `known` are the kernel's defaults, by subject."""
    subject = str(row.subject)
    finding = judge.judge(row, readings[subject], known.get(subject), subject in default_rules.ROUGH)
    return judge.with_tracking(finding, machine)


def settled(
    findings: list[Finding],
    facts: CapacityFacts,
    bounds: Sequence[Bound],
    readings: Mapping[str, Reading],
    known: Known,
    machine: Machine,
) -> list[Finding]:
    """Return the findings as they agree with the bounds of the running values, and with those of the next boot."""
    now = _needs(facts, bounds)
    after = _at_boot(facts, readings, known, {str(finding.subject) for finding in findings})
    boot = _needs(after, capacity(after, _same(facts, after, bounds))) if after else now
    binding = str(facts.nofile.subject) if facts.nofile else ""
    again = partial(judged, readings=readings, known=known, machine=machine)
    return [_in_program(each, facts, now, binding) for each in agreement.settled(findings, now, boot, binding, again)]


def _same(facts: CapacityFacts, after: CapacityFacts, bounds: Sequence[Bound]) -> Sequence[Bound]:
    """Return the bounds, if a boot changes nothing that those of tuples go by."""
    if after.pools is not facts.pools:
        return ()
    now, then = facts.readings, after.readings
    return () if any(now.get(subject) is not then.get(subject) for subject in OF_TUPLES) else bounds


def _in_program(finding: Finding, facts: CapacityFacts, needs: Needs, binding: str) -> Finding:
    """Name the line of the program's own configuration that is to change, where that holds whatever its unit has."""
    remedy = needs.remedies.get(binding)
    if not (facts.settings and facts.settings.nofile and remedy) or str(finding.subject) != binding:
        return finding
    if finding.verdict is not Verdict.FAIL:
        return finding
    because = f"its configuration holds, whatever the unit has: set {remedy.text}; {finding.because}"
    return dataclasses.replace(finding, fix=remedy.text, because=because)


def _needs(facts: CapacityFacts, bounds: Sequence[Bound]) -> Needs:
    load: Workload = facts.workload
    below = [bound for bound in bounds if short(bound, load)]
    if facts.pools and all(pool.fails for pool in facts.pools):
        # no setting gives ports to a source that is refused
        below = [bound for bound in below if bound.kind not in _PORTS]
    return Needs(
        short=frozenset(bound.kind for bound in below),
        unknown=frozenset(bound.kind for bound in bounds if isinstance(bound.hard, Unknown)),
        remedies={remedy.subject: remedy for remedy in remedies(facts, bounds)},
        refused=frozenset(r.subject for bound in below if isinstance(bound.hard, int) for r in bound.remedies),
    )


def _at_boot(
    facts: CapacityFacts, readings: Mapping[str, Reading], known: Known, asked: set[str]
) -> CapacityFacts | None:
    """Return the facts as a boot makes them, None where it changes nothing that a requirement is of."""
    changed = {
        subject: dataclasses.replace(reading, runtime=value)
        for subject, reading in readings.items()
        if (value := _later(reading, known.get(subject))) is not None and value != reading.runtime
    }
    if not changed.keys() & asked:
        return None
    nofile = changed.get(str(facts.nofile.subject), facts.nofile) if facts.nofile else None
    pools, ends = facts.pools, changed.get(_RANGE)
    if ends is not None and facts.pools and facts.widened:
        pools = _pools(facts, ends.runtime)
    return dataclasses.replace(facts, readings={**facts.readings, **changed}, nofile=nofile, pools=pools)


def _later(reading: Reading, default: Value | None) -> Value | None:
    """Return what a subject holds after a boot, None where that is not known."""
    if not isinstance(reading.boot, Unknown):
        return reading.boot
    return default if reading.boot.reason is Reason.UNSET else None


def _pools(facts: CapacityFacts, ends: Value | Unknown) -> tuple[PortPool, ...]:
    if not (isinstance(ends, tuple) and len(ends) == 2 and facts.widened):
        return facts.pools
    return facts.widened(*ends)


def raised(readings: Mapping[str, Reading], programs: Programs) -> dict[str, Reading]:
    """Return the readings with the descriptors that the program makes of its limits when it starts.

    HAProxy raises its soft limit to the hard one (raise_rlim_nofile()); nginx gives its workers what
    worker_rlimit_nofile says, whatever the unit has.
    """
    made = dict(readings)
    for subject in (f"nofile:unit/{programs.unit}", f"nofile:pid/{programs.pid}"):
        reading = readings.get(subject)
        if reading is None or not isinstance(reading.boot, tuple) or not programs.unit:
            continue
        note, limit = _of_program(programs, reading.boot)
        if note:
            made[subject] = dataclasses.replace(reading, boot=(limit, limit), notes=(note, *reading.notes))
    return made


def _of_program(programs: Programs, boot: tuple[int, ...]) -> tuple[str, int]:
    """Return what the program makes of (soft, hard), and the sentence that says so; "" where it keeps them."""
    settings = programs.configuration.settings if programs.configuration else None
    if settings and settings.nofile:
        note = f"{settings.nofile_name} {settings.nofile:,} of {settings.path} holds, whatever the unit has"
        return note, settings.nofile
    if programs.unit_raises and boot[0] < boot[1]:
        return f"the program raises its soft limit, {boot[0]:,}, to the hard one when it starts", boot[1]
    return "", 0
