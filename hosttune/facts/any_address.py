"""A program that binds to no address in particular, and the sockets that are in its way."""

from __future__ import annotations

from typing import Any

ANY = frozenset({"0.0.0.0", "::"})  # INADDR_ANY and in6addr_any, ip(7), ipv6(7)


def join(source: str, on_source: dict[str, int], tuples: dict[Any, dict[str, Any]]) -> None:
    """Add rows for a program that binds to no address in particular: those of all addresses of its family together.

    Each of its sockets has the address that routing picks, and its bind() conflicts with a socket on any of them.
    """
    for address, ports in list(on_source.items()):
        if shares(source, address):
            on_source[source] = on_source.get(source, 0) | ports
    for (local, address, port), row in list(tuples.items()):
        if shares(source, local):
            joined = tuples.setdefault((source, address, port), {})
            for name in ("established", "time_wait", "half_closed", "other"):
                joined[name] = hex(int(joined.get(name, "0"), 16) | int(row[name], 16))


def shares(source: str, address: str) -> bool:
    """Say whether a bind() to 0.0.0.0 or :: meets sockets on an address; of :: also those of IPv4 (ipv6_only_sock)."""
    return address not in ANY and (source == "::" or ":" not in address)
