"""What a file of profiles/programs may say: the type `KnownProgram`, strictly, and lines that can be found."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hosttune.errors import ProfileError
from hosttune.model.programs import ANY, KnownProgram, LogLine
from hosttune.programs import errno_texts

_PROGRAM = TypeAdapter(KnownProgram)


def validated(path: str, tables: dict[str, Any]) -> KnownProgram:
    """Return the program; raises ProfileError, one line for the first error."""
    try:
        known = _PROGRAM.validate_json(json.dumps(tables, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ": ".join(map(str, first["loc"]))
        raise ProfileError(f"{path}: {where}: {first['msg']}") from error
    for number, row in enumerate(known.log, 1):
        wrong = _wrong(row)
        if wrong:
            raise ProfileError(f"{path}: log {number}: {wrong}")
    return known


def _wrong(row: LogLine) -> str:
    """Return why a line would not be found, "" where it is."""
    try:
        spelt = errno_texts.spelt_out(row)
        example = spelt.example or spelt.line.replace(ANY, "17")
        if not example or not all(spelt.sought):
            return "give the line as the program writes it, or a mark and an example"
        match = re.search(spelt.expression, example)
    except (re.error, ProfileError) as error:
        return f"pattern: {error}" if isinstance(error, re.error) else str(error)
    found = match and any(mark in example for mark in spelt.sought)
    return "" if found else "its own example is not found by its mark and pattern"
