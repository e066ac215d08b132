"""Needs and sizes in the words of the bounds."""

from __future__ import annotations

from hosttune.model import Need


def sysctl(key: str, value: int, unit: str, comfortable: int | None = None) -> Need:
    """Return the need of a sysctl that is one number."""
    return Need(f"sysctl:{key}", value, comfortable, unit, f"{key}={value:,}")


def size(count: int) -> str:
    """Return bytes with their unit, never less than there are."""
    unit, name = (2**30, "GiB") if count >= 2**30 else (2**20, "MiB")
    tenths = -(-count * 10 // unit)
    return f"{tenths // 10:,}.{tenths % 10} {name}"
