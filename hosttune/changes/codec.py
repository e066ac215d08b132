"""A record as text and back: JSON, one field a line, the second line a SHA-256 of all the others.

The text is the same for the same record, so a byte that is not as it was written is noticed. `sed 2d FILE | sha256sum`
gives the sum that the second line must have. The types of changes/record.py are the schema.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from hosttune.changes.record import Record, Status
from hosttune.model import decoding

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = "hosttune/journal/3"
_SUM = re.compile(r'\{\n "sha256": "([0-9a-f]{64})",\n')
_MOST_FIELDS = 100_000
"""Of one object: those that are rewritten by one rollback are the most, and a journal has fewer."""


def text_of(record: Record) -> str:
    """Return the text of a record, ASCII; raises ValueError for a number that JSON does not take."""
    return sealed({"schema": SCHEMA, **encode(record)})


def sealed(fields: dict[str, Any]) -> str:
    """Return the text of plain values under their sum."""
    rest = ",\n".join(f" {json.dumps(name)}: {_lines(value)}" for name, value in fields.items()) + "\n}\n"
    return f'{{\n "sha256": "{_sum(rest)}",\n{rest}'


def record_of(text: str) -> Record:
    """Return the record of a text; raises ValueError with what is wrong, by the name of the field."""
    header = _SUM.match(text)
    if header is None:
        old = re.search(r'"schema": "(hosttune/journal/[0-9]{1,4})"', text[:200])
        other = old is not None and old[1] != SCHEMA
        raise ValueError(f"{old[1]}, of another release" if old and other else "no record, or one cut or changed since")
    if _sum(text[header.end() :]) != header[1]:
        raise ValueError("it was changed or cut since it was written: its SHA-256 is another")
    try:
        fields = json.loads(text, object_hook=_bounded)
        if fields.pop("schema", None) != SCHEMA:
            raise ValueError("schema: that of another release")
        del fields["sha256"]
        return decode(fields)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def proven(record: Record) -> str:
    """Return the text of a record, which is read as the same; raises ValueError by the name of the field."""
    text = text_of(record)
    again = record_of(text)
    for field in dataclasses.fields(record):
        if getattr(record, field.name) != getattr(again, field.name):
            raise ValueError(f"{field.name}: it would be read as another one")
    return text


def encode(record: Record) -> dict[str, Any]:
    """Return a record as plain values."""
    return _adapter().dump_python(record, mode="json")  # type: ignore[no-any-return]  # a dataclass becomes a dict


def decode(fields: Any) -> Record:
    """Return a record from plain values; raises ValueError by the name of the field."""
    record = decoding.decode(Record, fields, exact=True)
    if record.confirm is None and record.status in (Status.UNCONFIRMED, Status.CONFIRMING):
        raise ValueError(f"confirm: null, and it is {record.status}")
    return record


@functools.cache
def _adapter() -> TypeAdapter[Record]:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def _bounded(fields: dict[str, Any]) -> dict[str, Any]:
    """Refuse an object that no record has: each of its fields would be an error to keep."""
    if len(fields) > _MOST_FIELDS:
        raise ValueError(f"an object of {len(fields):,} fields")
    return fields


def _lines(value: Any) -> str:
    """Return a value as JSON; a list of objects has one a line, so that a person can read it."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"


def _sum(rest: str) -> str:
    return hashlib.sha256(b"{\n" + rest.encode("utf-8", "surrogateescape")).hexdigest()
