"""The report for programs: schema `hosttune/report/1`, described in report.schema.json beside this file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

from hosttune.model import Bound, Origin, Report, Subject, Unknown

SCHEMA = "hosttune/report/1"


def render(report: Report, *, verbose: bool = False, color: bool = False, width: int = 80, unicode: bool = True) -> str:
    """Return the whole report; the presentation's arguments change nothing."""
    return document(SCHEMA, report)


def document(schema: str, found: Any) -> str:
    """Return any noun of the model as a document of a schema."""
    return json.dumps({"schema": schema, **_plain(found)}, indent=1, ensure_ascii=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown):
        return {"unknown": value.reason.name, "detail": value.detail}
    if isinstance(value, Subject):
        return str(value)
    if isinstance(value, Origin):
        return {"file": value.path, "line": value.line, "text": value.text}
    if isinstance(value, Bound):
        plain = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"id": value.id, **plain, "raised_by": value.raised_by}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
