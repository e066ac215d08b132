"""Ports that bound sockets own which are not connected, listening or not, and from whom they keep them.

net/ipv4/inet_hashtables.c (__inet_hash_connect), net/ipv4/inet_connection_sock.c (inet_csk_bind_conflict).
"""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model import BindMode


@dataclass(frozen=True, slots=True)
class Held:
    """A port that a bind() owns, listening or not."""

    address: str
    port: int
    listen: bool
    v6only: bool


def blocked_by(source: str, mode: BindMode, held: tuple[Held, ...]) -> int:
    """Return the ports that no connection of this mode can have because a bind() owns them."""
    if mode in (BindMode.CONNECT, BindMode.NO_PORT):
        # __inet_hash_connect skips a bind()-made bucket without a look at its addresses
        return sum(1 << port for port in {h.port for h in held})
    if mode is BindMode.BIND:
        return owned_by(source, held)
    return sum(1 << port for port in {h.port for h in held if h.listen and _meets(source, h)})


def owned_by(source: str, held: tuple[Held, ...]) -> int:
    """Return the ports of bound sockets that a bind() to this source meets."""
    return sum(1 << port for port in {h.port for h in held if _meets(source, h)})


def _meets(source: str, held: Held) -> bool:
    """Say whether a bound socket's address conflicts with a bind() to `source` (inet_rcv_saddr_equal)."""
    if source == "::" or (source == "0.0.0.0" and ":" not in held.address):
        return True
    if held.address == "::":
        return not (held.v6only and ":" not in source)
    if held.address == "0.0.0.0":
        return ":" not in source
    return held.address == source
