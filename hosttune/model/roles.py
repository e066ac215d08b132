"""In what light words stand, whatever a format makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """In what light a thing stands: a verdict, or what part of the text it is."""

    PLAIN = "plain"
    GOOD = "good"
    DRIFT = "drift"
    BAD = "bad"
    UNKNOWN = "unknown"
    HEADING = "heading"
    LIMIT = "limit"
    COMMAND = "command"
    SOURCE = "source"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Mark:
    """Words of a text that stand in a light of their own, at their first place in it."""

    words: str
    role: Role
