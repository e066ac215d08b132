"""From findings to the values that sysctls shall have, now and on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hosttune.changes.request import PlanFacts, Request
from hosttune.changes.value import highest, meet, stronger
from hosttune.facts.kinds.sysctl import module_of
from hosttune.model import Finding, Operator, Reading, Reason, Requirement, Unknown, Value, Verdict
from hosttune.resolve.sysctl_value import kernel_value

_LEFT = (Reason.INVISIBLE, Reason.READ_ONLY)
_RAISED = ("fs.file-max",)
"""Keys that systemd raises to the most there is as it starts (src/core/main.c): a lower line is of no use."""
_NO_KEY = (Reason.ABSENT, Reason.GONE)


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


def rows_of(
    findings: Iterable[Finding], request: Request, facts: PlanFacts, alone: dict[str, list[str]]
) -> dict[str, Row]:
    """Return a row for each key that a finding names; the keys that are left alone go to `alone`, by the reason."""
    rows: dict[str, Row] = {}
    for finding in findings:
        requirement, reading = finding.requirement, finding.reading
        if finding.subject.kind != "sysctl" or requirement is None or reading is None:
            continue
        row = rows.setdefault(finding.subject.name, Row(finding.subject.name, reading))
        now = reading.runtime
        if finding.verdict is Verdict.OK:
            continue
        if finding.verdict is Verdict.NOT_APPLICABLE:
            # of a key that profiles describe another kernel has it; one that nobody knows may be a slip of the pen
            if isinstance(now, Unknown) and now.reason in _NO_KEY and row.key not in facts.described:
                alone.setdefault(finding.because, []).append(row.key)
            continue
        if finding.verdict is Verdict.UNKNOWN and not _settled(requirement, reading):
            if not (isinstance(now, Unknown) and now.reason in _LEFT):
                alone.setdefault(finding.because, []).append(row.key)
            continue
        _act(row, requirement, request, facts.defaults.get(row.key))
    return rows


def _settled(requirement: Requirement, reading: Reading) -> bool:
    """Say whether it is known what to write, though not whether it holds already.

    Of an image the value is not seen, but where only one is right it can be written all the same. Not so for a key
    that comes with a module: whether connections are tracked there cannot be told.
    """
    if not isinstance(reading.runtime, Unknown):
        # a module is not loaded for good where nobody can tell whether anything needs it
        needed = not module_of(requirement.subject.name)
        return needed and (bool(requirement.wants) or requirement.operator is Operator.NOT_BELOW_NOW)
    one_value = requirement.operator in (Operator.EQUALS, Operator.ONE_OF) and bool(requirement.wants)
    unset = isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.UNSET
    unseen = reading.runtime.reason is Reason.UNDECIDED
    return one_value and unset and unseen and not module_of(requirement.subject.name)


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


def _act(row: Row, requirement: Requirement, request: Request, default: Value | None) -> None:
    """Give a row the values that this requirement needs, over those that others gave it already."""
    now, boot = _known(row.runtime_after), _known(row.boot_after)
    unset = isinstance(row.boot_after, Unknown) and row.boot_after.reason is Reason.UNSET
    # what a boot brings if nothing is written, or once its module is loaded in time
    comes = default if unset else boot if boot is not None else _line(row.reading)
    if requirement.operator is Operator.NOT_BELOW_NOW:
        aim = now if now is None or comes is None else highest(now, comes)
        good_now, good_boot = True, boot is not None and boot == aim
    else:
        good_now = now is not None and meet(requirement, now) == now
        good_boot = boot is not None and meet(requirement, boot) == boot
        aim = meet(requirement, now if now is not None else comes)
        there = None if comes is None else meet(requirement, comes)
        if aim is not None and there is not None:
            # of two values that both serve, the better one; a boot that brings a good one is not made worse
            aim = stronger(requirement, there, aim) if there == comes else stronger(requirement, aim, there)
        if row.key in _RAISED and aim is not None and default is not None and meet(requirement, default) == default:
            aim = stronger(requirement, aim, default)
    if aim is None or (good_now and good_boot):
        return
    row.serves.append(str(requirement.subject))
    row.why = row.why or f"{', '.join(requirement.roles)}: {requirement.why}"
    if request.runtime and now is not None and not good_now:
        row.now = aim
    if request.persist and not good_boot:
        row.disk = aim


def _line(reading: Reading) -> Value | None:
    """Return what a line says that finds no key at boot, for its module comes later: less must not take its place."""
    if not (isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.MODULE and reading.origin):
        return None
    count = len(reading.runtime) if isinstance(reading.runtime, tuple) else None
    return _known(kernel_value(reading.origin.text, count))


def _known(value: Value | Unknown) -> Value | None:
    return None if isinstance(value, Unknown) else value
