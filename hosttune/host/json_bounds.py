"""Parse JSON that anybody may have written: how much it comes to in memory is known before it is parsed."""

from __future__ import annotations

import json
import re
from typing import Any

LARGEST = 32 << 20
"""Bytes. A recording of a busy host has less than 1 MiB."""

# a value is 8 bytes in its list or 100 in its table, and 30 to 60 itself; a list or table is 64 to 232
_VALUES = 1_000_000
_TABLES = 300_000
_QUOTES = 4 * _VALUES  # a key and a text have two each

# matched to the end of the text where the quote is missing, so that each byte is looked at once
_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def parse(data: bytes) -> Any:
    """Return what a document holds; raises ValueError: not JSON, not UTF-8, nested too deep, or too much of it."""
    # what stands in texts does not count, and is looked for only where it would matter, and is not too much itself
    texts = data.count(b'"') - data.count(b'\\"')
    if texts > _QUOTES or (not _within(data) and not _within(_TEXTS.sub(b"", data))):
        raise ValueError(f"more than {_VALUES:,} values, or {_TABLES:,} lists and tables")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("lists or tables nested too deep") from error


def _within(data: bytes) -> bool:
    return data.count(b",") <= _VALUES and data.count(b"[") + data.count(b"{") <= _TABLES
