"""Remedies and sizes in the words of the bounds."""

from __future__ import annotations

from hosttune.model import Remedy

INT = 2**31 - 1
"""The most that a sysctl takes whose variable is an int (kernel/sysctl.c proc_dointvec); LONG likewise."""

LONG = 2**63 - 1


def sysctl(key: str, value: int, unit: str, highest: int = INT, rather: int | None = None) -> tuple[Remedy, ...]:
    """Return the remedy of a sysctl that is one number; none where the kernel takes no such value.

    `rather` is what one would rather give it, and what is shown to a person.
    """
    shown = value if rather is None else rather
    if shown > highest:
        return ()
    return (Remedy(f"sysctl:{key}", value, rather, unit, f"{key}={shown:,}"),)


def size(count: int) -> str:
    """Return bytes with their unit, never less than there are."""
    unit, name = (2**30, "GiB") if count >= 2**30 else (2**20, "MiB")
    tenths = -(-count * 10 // unit)
    return f"{tenths // 10:,}.{tenths % 10} {name}"
