"""The formats that people write, profile and topology, as their schemas have them: keys, types, bounds, defaults."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from enum import Enum
from fractions import Fraction
from typing import Any, Literal, Union, get_args, get_origin

from hosttune.manual import formats
from hosttune.manual.formats import Format, Key, Table, Words


def profile() -> Format:
    """Return the format of a profile."""
    from hosttune.profile import schema

    heads = {"profile": "[profile]", "workload": "[workload]", "require": "[[require]]", "about": '[about."SUBJECT"]'}
    models = {"profile": schema.Head, "workload": schema.Load, "require": schema.Require, "about": schema.About}
    return Format(
        "profile",
        formats.PROFILE_SENTENCE,
        formats.PROFILE_TEXT,
        list(_tables(formats.PROFILE, heads, models)),
        formats.PROFILE_EXAMPLE,
        ("hosttune-profile-validate(1)", "hosttune-explain(1)"),
    )


def topology() -> Format:
    """Return the format of a topology."""
    from hosttune.planning.topology import schema

    heads = {"topology": "[topology]", "message": "[message]", "tier": "[tier.NAME]"}
    models = {"topology": schema.Target, "message": schema.Sent, "tier": schema.Hosted}
    return Format(
        "topology",
        formats.TOPOLOGY_SENTENCE,
        formats.TOPOLOGY_TEXT,
        list(_tables(formats.TOPOLOGY, heads, models)),
        formats.TOPOLOGY_EXAMPLE,
        ("hosttune-plan(1)",),
    )


def _tables(words: Words, heads: dict[str, str], models: dict[str, Any]) -> Iterator[Table]:
    for name, head in heads.items():
        help, told = words[name]
        fields = models[name].model_fields
        yield Table(head, help, [_key(key, field, told[key]) for key, field in fields.items()])


def _key(name: str, field: Any, help: str) -> Key:
    required = field.is_required()
    default = "" if required else _spelled(field.get_default(call_default_factory=True))
    return Key(name, _kind(field.annotation, field.metadata), default, help, required)


def _kind(annotation: Any, metadata: Any) -> str:
    """Return what a value may be, in words: a whole number, 1 to 65,535."""
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__, [*annotation.__metadata__, *metadata])
    origin, inner = get_origin(annotation), [each for each in get_args(annotation) if each is not type(None)]
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(each, metadata) for each in inner))
    if origin is Literal:
        return _choice(str(each) for each in inner if each != "")
    if origin in (list, tuple):
        pair = origin is tuple and Ellipsis not in inner and len(inner) == 2
        return f"two of: {_kind(inner[0], ())}" if pair else f"list of: {_kind(inner[0], ())}"
    if origin is dict or (isinstance(annotation, type) and hasattr(annotation, "model_fields")):
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(str(each.value) for each in annotation)
    word = {bool: "true or false", int: "whole number", float: "number", Fraction: "share"}.get(annotation, "text")
    return word + (_bounds(metadata) if annotation in (int, float) else "")


def _choice(words: Iterable[str]) -> str:
    named = list(words)
    return f"one of: {', '.join(named)}" if named[1:] else named[0]


def _bounds(metadata: Any) -> str:
    """Return the bounds of a number; pydantic keeps each as a value of its own, below the Field that gave it."""
    rows = [*metadata, *(each for field in metadata for each in getattr(field, "metadata", ()))]
    found = {
        name: getattr(row, name) for row in rows for name in ("ge", "le", "lt") if getattr(row, name, None) is not None
    }
    most = found.get("le", found["lt"] - 1 if "lt" in found else None)
    # what fits into 64 bits is any number
    if "ge" not in found or most is None or found["ge"] <= -(2**63):
        return ""
    return f", {found['ge']:,} to {most:,}"


def _spelled(value: Any) -> str:
    if value is None or value == "" or (isinstance(value, (list, tuple, dict)) and not value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else str(value) if isinstance(value, (str, float, Fraction)) else ""
