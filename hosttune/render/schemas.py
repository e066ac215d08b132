"""The JSON schemas of what programs read, made of the types of the nouns; `python -m hosttune.render.schemas` writes.

They are committed as *.schema.json beside this file, so that whoever reads a document needs no Python.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hosttune.model import Diagnosis, Fleet, Report, Resolution, Sizing, Trial
from hosttune.model.acting import Applied, Confirmed, SourcesChanged, Undone

NOUNS: Mapping[str, type] = {
    "apply": Applied,
    "confirm": Confirmed,
    "diagnosis": Diagnosis,
    "fleet": Fleet,
    "plan": Sizing,
    "prove": Trial,
    "report": Report,
    "resolve": Resolution,
    "rollback": Undone,
    "sources": SourcesChanged,
}
"""What each schema describes, by its name: hosttune/NAME/1."""

_MORE: Mapping[str, dict[str, Any]] = {
    "Bound": {"id": {"type": "string"}, "raised_by": {"type": "string"}},
    "Change": {"diff": {"type": "string"}},
    "Use": {"id": {"type": "string"}},
    "Proof": {"verdict": {"enum": ["agrees", "differs", "could not"]}},
}
"""What a document says of a noun beside its fields."""

_OFTEN = {frozenset({"unknown", "detail"}): "Unknown", frozenset({"file", "line", "text"}): "Origin"}
"""What documents write as an object of its own, by the fields of that."""

_FRACTION = {"type": "string", "format": "fraction"}


def schema_of(name: str) -> dict[str, Any]:
    """Return the schema of a document: every object is closed, and all of its fields are there."""
    from pydantic import TypeAdapter

    made = TypeAdapter(NOUNS[name]).json_schema(mode="serialization")
    kinds: dict[str, Any] = {}
    for kind, found in made.pop("$defs", {}).items():
        kinds[kind] = _closed(found, kinds, kind)
    whole = _closed(made, kinds)
    whole["properties"] = {"schema": {"const": f"hosttune/{name}/1"}, **whole["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hosttune:{name}:1",
        "title": f"hosttune/{name}/1",
        **whole,
        "required": sorted(whole["properties"]),
        "$defs": dict(sorted(kinds.items())),
    }


def text_of(name: str) -> str:
    """Return the text of the file of a schema."""
    return json.dumps(schema_of(name), indent=1) + "\n"


def path_of(name: str) -> Path:
    """Return the file of a schema."""
    return Path(__file__).with_name(f"{name}.schema.json")


def _closed(found: Any, kinds: dict[str, Any], kind: str = "") -> Any:
    """Return a schema without what says nothing to a validator; `kind` is the noun that it describes.

    What stands in many places goes to `kinds`.
    """
    if isinstance(found, list):
        return [_closed(one, kinds) for one in found]
    if not isinstance(found, dict):
        return found
    if {name: found.get(name) for name in _FRACTION} == _FRACTION:
        return {"type": "number"}
    made = {name: _closed(one, kinds) for name, one in found.items() if name not in ("default", "title", "properties")}
    if isinstance(found.get("properties"), dict):
        fields = {name: _closed(one, kinds) for name, one in found["properties"].items()} | _MORE.get(kind, {})
        made |= {"properties": fields, "required": sorted(fields), "additionalProperties": False}
        if often := _OFTEN.get(frozenset(fields)):
            kinds[often] = made
            return {"$ref": f"#/$defs/{often}"}
    return made


if __name__ == "__main__":
    for each in NOUNS:
        path_of(each).write_text(text_of(each), encoding="utf-8")
