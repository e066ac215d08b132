"""Pages of tcp_mem that data in a queue is charged, by its bytes and messages (net/core/sock.c)."""

from __future__ import annotations

import math
from dataclasses import dataclass

_OVERHEAD = 896
"""What a queue takes beside its data: 3,200 bytes unread are one page, 3,500 two, 8,000 three (measured on 6.18)."""


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the most of a number, and what is to be said where they differ."""

    least: int
    most: int
    notes: tuple[str, ...] = ()


def pages(queued: int, page: int) -> int:
    """Return the pages of tcp_mem that a queue with so many bytes is charged (net/core/sock.c)."""
    return -(-(queued + _OVERHEAD) // page) if queued else 0


def queue(bytes_in_flight: int, message: int, page: int) -> Span:
    """Return the pages of a queue with so many bytes, in messages of a size (0: one, or writes of many pages).

    Each packet has a buffer with an overhead of its own; what arrives is joined to what waits where that can be
    (net/ipv4/tcp_input.c tcp_try_coalesce()), which depends on the path: at best it is one buffer, at worst none is.
    """
    least = pages(bytes_in_flight, page)
    if not message or message >= bytes_in_flight:
        return Span(least, least)
    messages = math.ceil(bytes_in_flight / message)
    most = -(-(bytes_in_flight + messages * _OVERHEAD) // page)
    alone = f"{messages:,} messages of {message:,} bytes are {least:,} pages joined in one buffer, {most:,} in one each"
    return Span(least, most, (alone,) if most > least else ())
