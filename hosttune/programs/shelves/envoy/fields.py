"""The fields of the messages that are read, as Envoy's API defines them: another one is said, and passed over."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from hosttune.programs.shelves.envoy.document import Table, snake

_MOST = 20  # notes


@cache
def known() -> dict[str, frozenset[str]]:
    """Return the fields of each message: recorded of xds-protos, which is generated from envoyproxy/data-plane-api."""
    record = json.loads(Path(__file__).with_name("fields.json").read_text("utf-8"))
    return {message: frozenset(fields) for message, fields in record["messages"].items()}


def check(table: Table, message: str, notes: list[str]) -> None:
    """Add a note for each field that the message does not have: Envoy does not start with one of those."""
    name = message.rpartition(".")[2]
    for key in table:
        if key != "@type" and snake(key) not in known()[message] and len(notes) < _MOST:
            notes.append(f"{table.where}: {key} is no field of {name} that is known; passed over")
