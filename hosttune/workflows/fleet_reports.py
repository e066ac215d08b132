"""Read the JSON reports of many hosts, one at a time: each is validated, and only what a plan needs is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hosttune.errors import HostError, UsageError
from hosttune.host import json_bounds, named_file
from hosttune.model import Bound, Fleet, Reason, Reported, Scope, Severity, Sizing, Unknown, Verdict
from hosttune.planning import sizing

SCHEMA = "hosttune/report/1"
_LARGEST = 4 << 20  # bytes: a report of a host with 300 pools has a tenth of it
_MOST = 10_000  # files: more hosts than any plan has
_TEXT = 400  # letters of a name or a sentence that are kept


def fleet(found: Sizing, directory: str) -> Fleet:
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
    return sizing.fleet(found, _each(files))


def _each(files: list[Path]) -> Iterator[Reported | str]:
    for path in files:
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
        return _reported(path, tables)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: not as {SCHEMA} has it: {type(error).__name__}; gather it again") from error


def _reported(path: Path, tables: dict[str, Any]) -> Reported:
    machine, load = tables["machine"], tables["workload"]
    grave = [f for f in tables["findings"] if f["severity"] == Severity.ERROR and f.get("requirement")]
    return Reported(
        file=str(path),
        name=_text(machine["hostname"]) or path.stem,
        roles=tuple(_text(role) for role in tables["roles"]),
        addresses=tuple(_text(address) for address in machine["addresses"]),
        connections=_count(load["connections"]),
        sockets=_count(load["sockets_per_connection"]),
        rate=_count(load["rate"]),
        bounds=tuple(_bound(one) for one in tables["bounds"]),
        failed=_said(grave, Verdict.FAIL),
        drifted=_said(grave, Verdict.DRIFT),
    )


def _said(findings: list[dict[str, Any]], verdict: Verdict) -> tuple[str, ...]:
    return tuple(_text(f"{f['subject']}: {f['because']}") for f in findings if f["verdict"] == verdict)


def _bound(told: dict[str, Any]) -> Bound:
    hard, knee = told["hard"], told["knee"]
    return Bound(
        kind=_text(told["kind"]),
        name=_text(told["name"]),
        hard=Unknown(Reason.UNDECIDED, _text(hard.get("detail", ""))) if isinstance(hard, dict) else _maybe(hard),
        knee=_maybe(knee),
        reads=_text(told["reads"]),
        fails=_text(told["fails"]),
        unit=_text(told["unit"]),
        scope=Scope(told["scope"]),
        of=_text(told["of"]),
    )


def _maybe(value: Any) -> int | None:
    return None if value is None else _count(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError("no count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return "".join(c if c.isprintable() else "?" for c in value[:_TEXT])
