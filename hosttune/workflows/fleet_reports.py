"""Read the JSON reports of many hosts, one at a time: each is validated, and only what a plan needs is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hosttune.errors import HostError, UsageError
from hosttune.host import json_bounds, named_file
from hosttune.model import Bound, Finding, Fleet, Reason, Report, Reported, Severity, Sizing, Unknown, Verdict, decoding
from hosttune.model.progress import Step
from hosttune.planning import sizing
from hosttune.workflows import telling

SCHEMA = "hosttune/report/1"
_LARGEST = 16 << 20  # bytes: a report of a host with 9,000 backends has so many
_MOST = 10_000  # files: more hosts than any plan has
_TEXT = 400  # letters of a name or a sentence that are kept


def fleet(plan: Sizing, directory: str) -> Fleet:
    """Hold every *.json of a directory against a sizing; raises UsageError where there is none."""
    try:
        files = sorted(p for p in Path(directory).iterdir() if p.suffix == ".json" and not p.name.startswith("."))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise UsageError(f"--reports {directory}: {why}; name the directory with the hosts' JSON reports") from error
    if len(files) > _MOST:
        raise UsageError(f"--reports {directory}: {len(files):,} *.json in it; at most {_MOST:,} are read")
    if not files:
        raise UsageError(
            f"--reports {directory}: no *.json in it; `hosttune check --format json > HOST.json` makes one"
        )
    return sizing.fleet(plan, _each(files))


def _each(files: list[Path]) -> Iterator[Reported | str]:
    try:
        yield from _read(files)
    finally:
        telling.step(None)


def _read(files: list[Path]) -> Iterator[Reported | str]:
    for number, path in enumerate(files):
        if not telling.step(Step(path.name, number, len(files), ends_early=True)):
            telling.tell(f"interrupted: {number:,} of {len(files):,} reports are read")
            return
        try:
            yield read(path)
        except UsageError as error:
            yield str(error)


def read(path: Path) -> Reported:
    """Return what a report says; raises UsageError, one line, where it is none."""
    try:
        tables = json_bounds.parse(named_file.read(str(path), _LARGEST).data)
    except (OSError, HostError) as error:
        why = named_file.why(error)
        raise UsageError(f"{path}: {why}; `hosttune check --format json > HOST.json` makes a report") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON; `hosttune check --format json` writes a report") from error
    if not isinstance(tables, dict) or tables.get("schema") != SCHEMA:
        raise UsageError(f"{path}: no report of {SCHEMA}; `hosttune check --format json` writes one")
    try:
        return _reported(str(path), path.stem, decoding.decode(Report, tables))
    except ValueError as error:
        raise UsageError(f"{path}: not as {SCHEMA} has it: {error}; gather it again") from error


def _reported(file: str, stem: str, report: Report) -> Reported:
    """Return what a plan needs of a report, its texts short and printable; raises ValueError for what is no count."""
    load = report.workload
    limits = [number for bound in report.bounds for number in (bound.hard, bound.knee) if isinstance(number, int)]
    if not all(0 <= number < 2**63 for number in (load.connections, load.sockets_per_connection, load.rate, *limits)):
        raise ValueError("a number that is no count")
    grave = [f for f in report.findings if f.severity is Severity.ERROR and f.requirement]
    return Reported(
        file=file,
        name=_text(report.machine.hostname) or stem,
        roles=tuple(map(_text, report.roles)),
        addresses=tuple(map(_text, report.machine.addresses)),
        connections=load.connections,
        sockets=load.sockets_per_connection,
        rate=load.rate,
        bounds=tuple(map(_bound, report.bounds)),
        failed=_because(grave, Verdict.FAIL),
        drifted=_because(grave, Verdict.DRIFT),
    )


def _because(findings: list[Finding], verdict: Verdict) -> tuple[str, ...]:
    return tuple(_text(f"{f.subject}: {f.because}") for f in findings if f.verdict is verdict)


def _bound(bound: Bound) -> Bound:
    """Return a bound without what it takes on the host that it is of; a limit of a program's own keeps its setting.

    What raises that stands in the file that it was read from, wherever the plan has its hosts.
    """
    own = [remedy for remedy in bound.remedies if remedy.subject.partition(":")[0] == bound.kind]
    hard = Unknown(Reason.UNDECIDED, _text(bound.hard.detail)) if isinstance(bound.hard, Unknown) else bound.hard
    return Bound(
        kind=_text(bound.kind),
        name=_text(bound.name),
        hard=hard,
        knee=bound.knee,
        reads=_text(bound.reads),
        fails=_text(bound.fails),
        remedies=tuple(replace(remedy, subject=_text(remedy.subject), text=_text(remedy.text)) for remedy in own[:1]),
        unit=_text(bound.unit),
        scope=bound.scope,
        of=_text(bound.of),
    )


def _text(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_TEXT])
