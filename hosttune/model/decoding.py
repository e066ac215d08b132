"""A noun from JSON that this program has written: the types of the model are the schema.

Strict mode itself takes no list for a tuple and no object for a dataclass; of JSON text it takes no lone surrogates, by
which texts keep bytes that are not UTF-8. So the schema is made as strict as JSON is.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import SchemaValidator

Noun = TypeVar("Noun")

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


def decode(kind: type[Noun], document: Any, *, exact: bool = False) -> Noun:
    """Return the noun of a document; raises ValueError, one line, with the field that is wrong.

    A number is a number and a text a text. What a later release says beside is passed over, what it leaves out has its
    default; `exact`: each field is there, and no other.
    """
    from pydantic import ValidationError

    made: Any = kind
    try:
        return _validator(made, exact).validate_python(document)  # type: ignore[no-any-return]  # one of this kind
    except ValidationError as error:
        raise ValueError(_sentence(error)) from error


@functools.cache
def _validator(kind: Any, exact: bool) -> SchemaValidator:
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    return SchemaValidator(_strict(TypeAdapter(kind).core_schema, exact))


def _strict(schema: Any, exact: bool) -> Any:
    if isinstance(schema, list | tuple):
        return type(schema)(_strict(part, exact) for part in schema)
    if not isinstance(schema, dict):
        return schema
    made = {name: _strict(value, exact) for name, value in schema.items() if name not in ("metadata", "serialization")}
    match made.get("type"):
        case "int" | "float" | "bool" | "str":
            made["strict"] = True
        case "tuple" | "list":
            made["fail_fast"] = True  # an error for each item of a document that is large and wrong takes gigabytes
        case "union":
            made["choices"] = [(choice[0] if isinstance(choice, tuple) else choice, "") for choice in made["choices"]]
        case "dict" if "int" in (made["keys_schema"]["type"], made["keys_schema"].get("schema", {}).get("type")):
            # of an object the names are texts
            number = {"type": "function-plain", "function": {"type": "no-info", "function": _number}}
            made["keys_schema"] = {"type": "chain", "steps": [number, made["keys_schema"]]}
        case "dataclass-args" if exact:
            made["extra_behavior"] = "forbid"
        case "dataclass-field" if exact and made["schema"]["type"] == "default":
            made["schema"] = made["schema"]["schema"]
    return made


def _number(key: Any) -> int:
    if not _NUMBER.fullmatch(key):
        raise ValueError("it is no number")
    return int(key)


def _sentence(error: ValidationError) -> str:
    """Return where something is wrong, what stands there, and why that cannot be."""
    # of a union that of the kind which came nearest
    wrong = max(error.errors(include_url=False), key=lambda detail: len(detail["loc"]))
    where = "".join(f"[{part}]: " if isinstance(part, int) else f"{part}: " for part in wrong["loc"] if part != "")
    value = wrong["input"]
    shown = type(value).__name__ if isinstance(value, list | dict) else value
    there = "" if wrong["type"] == "missing" else f"{ascii(shown)[:60]}: "
    why = wrong["msg"].removeprefix("Value error, ")
    return f"{where}{there}{why[:1].lower()}{why[1:]}"[:200]
