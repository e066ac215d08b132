"""Looks and records as tests need them."""

from __future__ import annotations

from hosttune.model import Machine, Tick, Use


def machine(name: str = "lb01") -> Machine:
    return Machine(
        name, "debian", "12", "Debian 12", "6.1", 8, 1 << 34, 1 << 33, "kvm", "", "", False, True, True, "initial"
    )


def use(used: int, limit: int | None = 1_000, knee: int | None = None, id: str = "conntrack") -> Use:
    kind, _, of = id.partition(":")
    return Use(kind, f"the {id}", used, limit, "entries", "a file", knee, of=tuple(of.split("->")) if of else ())


def tick(at: float, *uses: Use, ages: dict[str, float] | None = None, **counters: int) -> Tick:
    named = {name.replace("_", "."): value for name, value in counters.items()}
    return Tick(1_000_000_000.0 + at, at, named, uses, ages or {}, 0.01)
