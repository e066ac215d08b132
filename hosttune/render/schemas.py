"""The JSON schemas of what programs read, made of the types of the nouns; `python -m hosttune.render.schemas` writes.

They are committed as *.schema.json beside this file, so that whoever reads a document needs no Python.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any, get_type_hints

import hosttune.model
from hosttune import registry, render
from hosttune.model import acting
from hosttune.render.formats.json import BESIDE


@functools.cache
def nouns() -> dict[str, Any]:
    """Return the type that each schema describes, by its name: hosttune/NAME/1 is what a view calls its document."""
    known = [getattr(hosttune.model, name) for name in hosttune.model.__all__] + [*vars(acting).values()]
    types = {render.name_of(kind): kind for kind in known if isinstance(kind, type)}
    made = {}
    for view in registry.names(render.VIEWS):
        module = registry.load(render.VIEWS, view)
        plain = getattr(module, "plain", None)
        kind = get_type_hints(plain)["return"] if plain else types[view]
        if dataclasses.is_dataclass(kind):
            made[module.SCHEMA.split("/")[1]] = kind
    return made


_OFTEN = {frozenset({"unknown", "detail"}): "Unknown", frozenset({"file", "line", "text"}): "Origin"}
"""What documents write as an object of its own, by the fields of that."""

_FRACTION = {"type": "string", "format": "fraction"}


_VERSIONS = {"diagnosis": 2}
"""Of the documents whose form changed since they were first released: all others are of version 1."""


def schema_of(name: str) -> dict[str, Any]:
    """Return the schema of a document: every object is closed, and all of its fields are there."""
    from pydantic import TypeAdapter

    made = TypeAdapter(nouns()[name]).json_schema(mode="serialization")
    kinds: dict[str, Any] = {}
    for kind, schema in made.pop("$defs", {}).items():
        kinds[kind] = _closed(schema, kinds, kind)
    whole = _closed(made, kinds, nouns()[name].__name__)
    version = _VERSIONS.get(name, 1)
    whole["properties"] = {"schema": {"const": f"hosttune/{name}/{version}"}, **whole["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hosttune:{name}:{version}",
        "title": f"hosttune/{name}/{version}",
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


def _closed(schema: Any, kinds: dict[str, Any], kind: str = "") -> Any:
    """Return a schema without what says nothing to a validator; `kind` is the noun that it describes.

    What stands in many places goes to `kinds`.
    """
    if isinstance(schema, list):
        return [_closed(sub, kinds) for sub in schema]
    if not isinstance(schema, dict):
        return schema
    if {name: schema.get(name) for name in _FRACTION} == _FRACTION:
        return {"type": "number"}
    made = {name: _closed(sub, kinds) for name, sub in schema.items() if name not in ("default", "title", "properties")}
    if isinstance(schema.get("properties"), dict):
        fields = {name: _closed(sub, kinds) for name, sub in schema["properties"].items()} | _beside(kind)
        made |= {"properties": fields, "required": sorted(fields), "additionalProperties": False}
        if often := _OFTEN.get(frozenset(fields)):
            kinds[often] = made
            return {"$ref": f"#/$defs/{often}"}
    return made


def _beside(kind: str) -> dict[str, Any]:
    """Return the schemas of what documents say of a noun beside its fields."""
    from pydantic import TypeAdapter

    schema = {"diff": {"type": "string"}} if kind == "Change" else {}
    for noun in (noun for noun in BESIDE if noun.__name__ == kind):
        for name in BESIDE[noun]:
            schema[name] = TypeAdapter(get_type_hints(vars(noun)[name].fget)["return"]).json_schema()
    return {name: {"enum": made["enum"]} if "enum" in made else made for name, made in schema.items()}


if __name__ == "__main__":
    for each in nouns():
        path_of(each).write_text(text_of(each), encoding="utf-8")
