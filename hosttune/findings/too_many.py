"""A limit of descriptors that is no help and some harm: programs close or poll every number that it allows."""

from __future__ import annotations

from hosttune import kernel

CLOSES = 5_000_000
"""Calls of close() a second of a number that is not open; measured: 5.5 to 6.2 million in C, 1.5 million in Python
(Linux 6.18, one CPU of a virtual machine, `for i in ...: close(i)`)."""

_NOTICED = 10
"""Seconds that a start may take: below them nobody looks for a cause."""


def seconds(limit: int) -> int:
    """Return how long a program in C takes at least to close every descriptor that it may have."""
    return limit // CLOSES


def is_too_high(limit: int | None) -> bool:
    """Say whether a soft limit is so high that such a program is taken for stuck; the kernel's own default never is."""
    return limit is not None and limit > kernel.NR_OPEN and seconds(limit) >= _NOTICED
