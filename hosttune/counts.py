"""Counts as people write them: 1000000, 1,000,000, 1_000_000, 1M, 1.5M, 200k, 1e6.

k and M are thousands and millions.
"""

from __future__ import annotations

import re
from typing import Any

_PLAIN = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:(?:,[0-9]{3})+|(?:_[0-9]{3})+))")
_SHORT = re.compile(r"(-?[0-9]{1,19}(?:\.[0-9]{1,19})?)(?:([kKM])|[eE]\+?([0-9]{1,2}))")
_TIMES = {"k": 3, "K": 3, "M": 6}
HOW = "write 1000000, 1,000,000, 1M or 1e6"


def number(text: str) -> int:
    """Return the count that a text is; raises ValueError, one line that says how to write one."""
    plain = text.strip()
    if _PLAIN.fullmatch(plain) and len(plain) <= 4000:
        return int(plain.replace(",", "").replace("_", ""))
    made = short(plain)
    if made is None:
        raise ValueError(f"{text[:80]!r} is no number; {HOW}")
    return made


def short(text: str) -> int | None:
    """Return the count of a text with a k, an M or an exponent behind it; None for any other text.

    Raises ValueError where that is no whole number.
    """
    match = _SHORT.fullmatch(text)
    if not match:
        return None
    from fractions import Fraction  # it brings decimal with it, and few counts are written so

    value = Fraction(match[1]) * 10 ** (_TIMES[match[2]] if match[2] else int(match[3]))
    if value.denominator != 1:
        raise ValueError(f"{text!r} is no whole number; {HOW}")
    return int(value)


def written(value: Any) -> Any:
    """Return the count that a value of a TOML file is: of a text, and of 1e6, which TOML takes as no whole number.

    Any other value is as it stands. Raises ValueError.
    """
    if isinstance(value, str):
        return number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def within(value: int, least: int, most: int, unit: str = "") -> str:
    """Return what is wrong with a count that is out of bounds, "" where it is within them; `unit` as in "seconds"."""
    if least <= value <= most:
        return ""
    return f"{value:,}: must be {least:,} to {most:,}{f' {unit}' if unit else ''}"
