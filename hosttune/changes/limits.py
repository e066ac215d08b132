"""From findings to descriptor limits: of services, of logins, of running processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hosttune.changes.value import meet
from hosttune.model import Finding, Reading, Reason, Unknown, Value, Verdict


@dataclass(slots=True)
class LimitRow:
    """One unit, login, manager or process: `disk` and `now` are (soft, hard) as they shall be, None: left alone."""

    kind: str
    name: str
    reading: Reading
    disk: tuple[int, int] | None = None
    now: tuple[int, int] | None = None
    stale: bool = False
    serves: list[str] = field(default_factory=list)
    why: str = ""


def rows_of(findings: Iterable[Finding], notes: list[str]) -> list[LimitRow]:
    """Return a row for each limit that does not hold; sentences on those that cannot be set go to `notes`."""
    rows: dict[str, LimitRow] = {}
    for finding in findings:
        requirement, reading = finding.requirement, finding.reading
        if finding.subject.kind != "nofile" or requirement is None or reading is None:
            continue
        if finding.verdict in (Verdict.OK, Verdict.NOT_APPLICABLE):
            continue
        kind, _, name = finding.subject.name.partition("/")
        row = rows.setdefault(finding.subject.name, LimitRow(kind, name, reading))
        boot, now = _pair(row.disk or reading.boot), _pair(reading.runtime)
        if boot is None and kind != "pid":
            notes.append(f"nofile of {kind} {name} is left alone: {_why_not(reading)}")
            continue
        row.serves.append(str(finding.subject))
        row.why = row.why or f"{', '.join(requirement.roles)}: {requirement.why}"
        disk = _whole(meet(requirement, boot))
        row.disk = disk if kind != "pid" and disk != boot else row.disk
        live = _whole(meet(requirement, now)) if now is not None else None
        row.now = live if live != now else None
        row.stale = row.now is not None and kind == "unit"
    return list(rows.values())


def _why_not(reading: Reading) -> str:
    boot = reading.boot
    if isinstance(boot, Unknown) and boot.reason is Reason.ABSENT:
        return f"{boot.detail}; name the service that carries the connections with --service"
    return str(boot)


def _pair(value: Value | Unknown) -> tuple[int, int] | None:
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else None


def _whole(value: Value | None) -> tuple[int, int] | None:
    """Return soft and hard; a hard limit is never below the soft one (getrlimit(2))."""
    if isinstance(value, tuple) and len(value) == 2:
        return value[0], max(value)
    return None
