"""Sizes as people write them: whole bytes, or "32GiB", "32 GB", "512MiB"."""

from __future__ import annotations

import re
from fractions import Fraction

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kKMGT]i?B|B)")
_POWER = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def size(text: str) -> int:
    """Return the bytes of a size: KiB to TiB are powers of 1,024, kB to TB of 1,000; raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f'{text[:40]!r} is no size; write bytes, or with a unit: "32GiB", "512 MiB", "32 GB"')
    number, unit = Fraction(match[1]), match[2]
    if unit != "B":
        number *= (1024 if "i" in unit else 1000) ** _POWER[unit[0]]
    if number.denominator != 1:
        raise ValueError(f"{text[:40]!r} is no whole number of bytes; write it in a smaller unit")
    return int(number)
