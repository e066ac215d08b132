"""From findings to the values that sysctls shall have, now and on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hosttune.changes.value import meet, stronger
from hosttune.model import Finding, Operator, Reading, Reason, Requirement, Unknown, Value, Verdict
from hosttune.resolve.sysctl_value import kernel_value

_LEFT = (Reason.INVISIBLE, Reason.READ_ONLY)


@dataclass(slots=True)
class Row:
    """One key: its layers as they are, and as they shall be (None: left alone)."""

    key: str
    reading: Reading
    now: Value | None = None
    disk: Value | None = None
    serves: list[str] = field(default_factory=list)
    why: str = ""

    @property
    def runtime_after(self) -> Value | Unknown:
        """The running value once the plan is carried out."""
        return self.now if self.now is not None else self.reading.runtime

    @property
    def boot_after(self) -> Value | Unknown:
        """The value after a boot once the plan is carried out."""
        return self.disk if self.disk is not None else self.reading.boot


def rows_of(findings: Iterable[Finding], runtime: bool, persist: bool, alone: dict[str, list[str]]) -> dict[str, Row]:
    """Return a row for each key that a finding names; the keys that are left alone go to `alone`, by the reason."""
    rows: dict[str, Row] = {}
    for finding in findings:
        requirement, reading = finding.requirement, finding.reading
        if finding.subject.kind != "sysctl" or requirement is None or reading is None:
            continue
        row = rows.setdefault(finding.subject.name, Row(finding.subject.name, reading))
        if finding.verdict in (Verdict.OK, Verdict.NOT_APPLICABLE):
            continue
        if finding.verdict is Verdict.UNKNOWN and not _settled(requirement, reading):
            if not (isinstance(reading.runtime, Unknown) and reading.runtime.reason in _LEFT):
                alone.setdefault(finding.because, []).append(row.key)
            continue
        _act(row, requirement, runtime, persist)
    return rows


def _settled(requirement: Requirement, reading: Reading) -> bool:
    """Say whether it is known what to write, though not whether it holds already."""
    if isinstance(reading.runtime, Unknown):
        # of an image the value is not seen: what must be this value and no other can be written all the same
        one_value = requirement.operator in (Operator.EQUALS, Operator.ONE_OF)
        return reading.runtime.reason is Reason.UNDECIDED and one_value and bool(requirement.wants)
    return bool(requirement.wants) or requirement.operator is Operator.NOT_BELOW_NOW


def hidden(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings on keys that hold here but can only be set elsewhere."""
    return [
        f
        for f in findings
        if f.subject.kind == "sysctl"
        and f.verdict is Verdict.UNKNOWN
        and f.reading is not None
        and isinstance(f.reading.runtime, Unknown)
        and f.reading.runtime.reason in _LEFT
    ]


def _act(row: Row, requirement: Requirement, runtime: bool, persist: bool) -> None:
    """Give a row the values that this requirement needs, over those that others gave it already."""
    now, boot = _known(row.runtime_after), _known(row.boot_after)
    if requirement.operator is Operator.NOT_BELOW_NOW:
        row.disk = now if persist else row.disk
        return
    good_now = now is not None and meet(requirement, now) == now
    good_boot = boot is not None and meet(requirement, boot) == boot
    if good_now and good_boot:
        return
    aim = meet(requirement, now if now is not None else boot)
    if aim is None:
        return
    line = boot if boot is not None else _line(row.reading)
    if line is not None and (met := meet(requirement, line)) is not None:
        aim = stronger(requirement, aim, met)
    row.serves.append(str(requirement.subject))
    row.why = row.why or f"{', '.join(requirement.roles)}: {requirement.why}"
    if runtime and now is not None and not good_now:
        row.now = aim
    if persist and not good_boot:
        row.disk = aim


def _line(reading: Reading) -> Value | None:
    """Return what a line says that finds no key at boot, for its module comes later: less must not take its place."""
    if not (isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.MODULE and reading.origin):
        return None
    count = len(reading.runtime) if isinstance(reading.runtime, tuple) else None
    return _known(kernel_value(reading.origin.text, count))


def _known(value: Value | Unknown) -> Value | None:
    return None if isinstance(value, Unknown) else value
