"""A noun from a JSON document that this program has written: the types of the model are the schema."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

Noun = TypeVar("Noun")


def decode(kind: type[Noun], document: Any) -> Noun:
    """Return the noun of a document; raises ValueError, one line, with the field that is wrong.

    A number is a number and a text a text; what a later release says beside is passed over.
    """
    from pydantic import ValidationError

    made: Any = kind
    try:
        return _validator(made).validate_python(document)  # type: ignore[no-any-return]  # a validator of this kind
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"][:4]))
        raise ValueError(f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}"[:200]) from error


@functools.cache
def _validator(kind: Any) -> SchemaValidator:
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    return SchemaValidator(_strict(TypeAdapter(kind).core_schema))


def _strict(schema: Any) -> Any:
    """Return a schema that takes no text for a number, nor the like; strict mode itself takes no list for a tuple."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_strict, schema))
    if not isinstance(schema, dict):
        return schema
    made = {name: _strict(value) for name, value in schema.items() if name not in ("metadata", "serialization")}
    if made.get("type") in ("int", "float", "bool", "str"):
        made["strict"] = True
    return made
