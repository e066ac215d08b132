"""What a running program goes by and its files say otherwise: drift that no requirement asks about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hosttune.model import Difference, Finding, Severity, Subject, Verdict

_EACH = 8
"""Differences of one setting that are findings each; more of them are counted in one."""


def findings(differences: Iterable[Difference]) -> tuple[Finding, ...]:
    """Return a finding for each difference, and one for all that are left of a setting that differs in many places."""
    by_setting: dict[str, list[Difference]] = {}
    for difference in differences:
        by_setting.setdefault(difference.setting, []).append(difference)
    return tuple(finding for rows in by_setting.values() for finding in _of_setting(rows))


def _of_setting(rows: list[Difference]) -> Iterator[Finding]:
    for row in rows[:_EACH]:
        of = f"{row.of} " if row.of else ""
        differs = f"{of}{row.setting} {row.in_force} in force ({row.shown}), {row.on_disk} in {row.where}"
        yield _finding(row, f"{of}{row.setting}", f"{row.program}: {differs}", row.fix)
    for row in rows[_EACH : _EACH + 1]:
        left = f"{len(rows) - _EACH:,} more, {row.of} the first: {row.setting} in force is not as {row.where} has it"
        yield _finding(row, f"{row.setting} of others", f"{row.program}: {left}", row.fix)


def _finding(row: Difference, name: str, because: str, fix: str) -> Finding:
    subject = Subject(row.program, name)
    return Finding(
        f"lint:not-in-force:{subject}", subject, Verdict.DRIFT, Severity.WARNING, because, fix=fix, in_force=False
    )
