"""Pools from which nothing can be connected at all: how that shows, and what helps, which more ports do not."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.model import PortPool, Remedy

_ANY = ("0.0.0.0", "::")


def fails(pools: Sequence[PortPool]) -> str:
    """Return how a program meets it where every pool is refused; "" where one is not."""
    return pools[0].fails if pools and all(pool.fails for pool in pools) else ""


def remedies(pools: Sequence[PortPool], others: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """Return what raises the bound: another source where every pool is refused, else what was reckoned."""
    if not fails(pools):
        return others
    family = "sources:ipv6" if ":" in pools[0].backend.address else "sources"
    why, first = fails(pools), pools[0]
    text = "a source address that has a route there"
    if first.source in _ANY:
        text = f"a route to {first.backend.address} that no rule refuses (ip rule, ip route get)"
    elif why.startswith("bind:") or "ETIMEDOUT" in why:
        text = "a source address of this host"
    return (Remedy(family, 1, None, "source addresses", text),)
