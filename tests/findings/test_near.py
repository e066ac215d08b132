"""`check` says what is nearly used up now."""

from __future__ import annotations

from hosttune.findings import near
from hosttune.model import Reason, Unknown, Use


def use(used: int, limit: int | Unknown | None, knee: int | None = None) -> Use:
    return Use("conntrack", "conntrack", used, limit, "entries", "a file", knee)


def test_what_is_near_at_or_beyond_is_said_the_nearest_first() -> None:
    found = near.warnings([use(240_000, 262_144), use(10, 10), use(600, 1_000, 500)])
    assert found == (
        "slow now: conntrack: 600 of 1,000 entries (60 %), slow above 500",
        "at its limit now: conntrack: 10 of 10 entries (100 %)",
        "near its limit now: conntrack: 240,000 of 262,144 entries (92 %)",
    )


def test_what_is_far_or_not_known_is_not() -> None:
    uses = [use(89, 100), use(5, None), use(5, Unknown(Reason.ABSENT)), use(0, 0), use(400, 1_000, 500)]
    assert near.warnings(uses) == ()


def test_the_memory_of_the_host_is_a_bound_of_its_own() -> None:
    assert near.warnings([Use("memory", "memory", 99, 100, "bytes", "/proc/meminfo")]) == ()
