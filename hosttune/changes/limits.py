"""From findings to descriptor limits: of services, of logins, of running processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hosttune.changes.value import meet, text
from hosttune.model import Finding, Reading, Reason, Requirement, Unknown, Value, Verdict


@dataclass(slots=True)
class LimitRow:
    """One unit, login, manager or process: `disk` and `now` are (soft, hard) as they shall be, None: left alone.

    `now` is that of the process that was read; others of the same service get what `raised` says.
    """

    kind: str
    name: str
    reading: Reading
    disk: tuple[int, int] | None = None
    now: tuple[int, int] | None = None
    stale: bool = False
    serves: list[str] = field(default_factory=list)
    why: str = ""
    needs: list[Requirement] = field(default_factory=list)

    def raised(self, have: tuple[int, int]) -> tuple[int, int]:
        """Return the limits that a running process with others shall have; neither is ever lowered."""
        soft, hard = have
        for requirement in self.needs:
            soft, hard = map(max, (soft, hard), _whole(meet(requirement, (soft, hard))) or have)
        return soft, hard


def rows_of(findings: Iterable[Finding], notes: list[str]) -> list[LimitRow]:
    """Return a row for each limit that does not hold; sentences on those that cannot be set go to `notes`."""
    rows: dict[str, LimitRow] = {}
    for finding in findings:
        requirement, reading = finding.requirement, finding.reading
        if finding.subject.kind != "nofile" or requirement is None or reading is None:
            continue
        if finding.verdict is Verdict.OK:
            continue
        kind, _, name = finding.subject.name.partition("/")
        row = rows.setdefault(finding.subject.name, LimitRow(kind, name, reading))
        boot, now = _pair(row.disk or reading.boot), _pair(reading.runtime)
        have = now if kind == "pid" else boot
        if kind == "login" and isinstance(reading.boot, Unknown) and reading.boot.reason is Reason.UNDECIDED:
            # our own lines for soft and hard decide, whatever a session would begin with
            have = have or _whole(meet(requirement, None))
        if have is None or _pair(meet(requirement, have)) is None:
            notes.append(f"nofile of {kind} {name} is left alone: {_why_not(kind, reading, have, requirement)}")
            continue
        row.serves.append(str(finding.subject))
        row.needs.append(requirement)
        row.why = row.why or f"{', '.join(requirement.roles)}: {requirement.why}"
        disk = _whole(meet(requirement, boot))
        row.disk = disk if kind != "pid" and disk != boot else row.disk
        live = _whole(meet(requirement, now)) if now is not None else None
        row.now = live if live != now else None
        row.stale = row.now is not None and kind == "unit"
    return list(rows.values())


def _why_not(kind: str, reading: Reading, have: tuple[int, int] | None, requirement: Requirement) -> str:
    if have is not None:
        return f"{requirement.origin or 'the profile'} wants {text(requirement.wants[0])}, which is no number of files"
    missing = reading.runtime if kind == "pid" else reading.boot
    if isinstance(missing, Unknown) and missing.reason is Reason.ABSENT and kind == "unit":
        said = "name what carries the connections: a service with --service, a login with --user"
        return f"{missing.detail}; {said}"
    return str(missing)


def _pair(value: Value | Unknown | None) -> tuple[int, int] | None:
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else None


def _whole(value: Value | None) -> tuple[int, int] | None:
    """Return soft and hard; a hard limit is never below the soft one (getrlimit(2))."""
    pair = _pair(value)
    return (pair[0], max(pair)) if pair else None
