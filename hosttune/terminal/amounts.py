"""Times and sizes as a person writes them: 10s, 1m, 64M."""

from __future__ import annotations

import re
from collections.abc import Callable

from hosttune.errors import UsageError

HOUR = 3600.0
WEEK = 7 * 24 * HOUR
_TIMES = {"": 1.0, "s": 1.0, "m": 60.0, "h": HOUR, "ms": 0.001}
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def seconds(text: str, option: str = "--for", most: float = HOUR, least: float = 0.0) -> float:
    """Return a time such as 10s or 1m in seconds; raises UsageError."""
    if not text.isprintable():
        raise UsageError(f"{option} {text!r}: it has characters that cannot be printed; leave them out")
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|m|h|)", text.strip(), re.ASCII)
    amount = float(match[1]) * _TIMES[match[2]] if match else 0.0
    if not (amount > 0 and least <= amount <= most):
        span = f"{least:g}s to {most / HOUR:g}h" if least else f"at most {most / HOUR:g}h"
        what = span if amount > 0 else f"not a duration; {span}"
        raise UsageError(f"{option} {text}: {what}, such as {'30s or 2m' if least else '10s or 1m'}")
    return amount


def size(text: str, option: str, least: int, most: int) -> int:
    """Return the bytes of a size such as 64M or 1G; raises UsageError."""
    match = re.fullmatch(r"(\d{1,12})\s*([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE | re.ASCII)
    if not match or not least <= (amount := int(match[1]) * _SIZES[match[2].upper()]) <= most:
        raise UsageError(
            f"{option} {text}: {'' if match else 'not a size; '}{least >> 10}K to {most >> 20}M, such as 8M"
        )
    return amount


def a_time(option: str, most: float = HOUR, least: float = 0.0) -> Callable[[str | float], float]:
    """Return `seconds` for an option, with a name that older releases of click can show; a default is a number."""

    def time(text: str | float) -> float:
        return seconds(text, option, most, least) if isinstance(text, str) else text

    return time


def a_size(option: str, least: int, most: int) -> Callable[[str | int], int]:
    """Return `size` for an option, the same."""

    def bytes_(text: str | int) -> int:
        return size(text, option, least, most) if isinstance(text, str) else text

    return bytes_
