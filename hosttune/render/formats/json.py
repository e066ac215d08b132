"""Any noun for programs: its fields by their names, with the schema that its view names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

from hosttune import render as _render
from hosttune.model import Bound, Change, Origin, Proof, SourcePlan, Subject, Unknown, Use
from hosttune.render.page import PLAIN, Page


def render(noun: Any, page: Page = PLAIN) -> str:
    """Return the whole noun; a view that has a `plain` says what of it goes out."""
    view = _render.view_of(type(noun))
    body = view.plain(noun) if hasattr(view, "plain") else noun
    # a look after another is a line each
    layout: dict[str, Any] = {"separators": (",", ":")} if getattr(view, "LINE", False) else {"indent": 1}
    return json.dumps({"schema": view.SCHEMA, **plain(body)}, ensure_ascii=True, **layout) + "\n"


def plain(value: Any) -> Any:
    """Return a value of the model as JSON has it."""
    for kind, made in _SPECIAL.items():
        if isinstance(value, kind):
            return made(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def _fields(value: Any) -> dict[str, Any]:
    names = (*(field.name for field in dataclasses.fields(value)), *BESIDE.get(type(value), ()))
    return {name: plain(getattr(value, name)) for name in names}


def _diff(change: Change) -> str:
    from hosttune.render import plan_text  # what compares texts is imported where there is something to compare

    return "\n".join(plan_text.diff(change))


BESIDE: Mapping[type, tuple[str, ...]] = {
    Bound: ("id", "raised_by"),
    Proof: ("verdict",),
    SourcePlan: ("carried",),
    Use: ("id",),
}
"""What documents say of a noun beside its fields: properties of it."""

_SPECIAL: dict[type, Callable[[Any], Any]] = {
    Unknown: lambda unknown: {"unknown": unknown.reason.name, "detail": unknown.detail},
    Subject: str,
    Origin: lambda origin: {"file": origin.path, "line": origin.line, "text": origin.text},
    Change: lambda change: {**_fields(change), "diff": _diff(change)},
    Enum: lambda member: member.value,
    Fraction: lambda fraction: fraction.numerator if fraction.denominator == 1 else float(fraction),
    frozenset: sorted,
}
