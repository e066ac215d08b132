"""What differs between two hosts, or between a host and what it should be, and what each difference does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what it is called, its kernel's release, and at how many connections it stops, on what.

    `connections` None: no bound of it is known, or it is none that could stop (a target, a kernel's defaults).
    """

    name: str
    kernel: str = ""
    connections: int | None = None
    stops: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a difference does to one bound, or to one verdict: `left` and `right` as they would be with either value.

    `grave`: a bound below the target moves, or what is required fails on one side only.
    """

    what: str
    left: str
    right: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Contrast:
    """One setting, or one thing that was observed, that the two do not share.

    `subject` is a sysctl, a unit, or what stands in words (`packet filter`). `left` and `right` are its values,
    `effects` what it alone does, the greatest first; `matters`: one of them is grave. `weight` ranks: the greater comes
    first. `notes` are sentences on it: a value that the kernel will not take, which file sets it.
    """

    subject: str
    left: str
    right: str
    effects: tuple[Effect, ...] = ()
    matters: bool = False
    weight: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two sides do not share, what matters most first.

    `roles` and `connections` are what both were held against. `unknown` says why nothing could be compared, "" where
    something was. `command` is how it was asked.
    """

    left: Side
    right: Side
    roles: tuple[str, ...]
    connections: int
    contrasts: tuple[Contrast, ...] = ()
    unknown: str = ""
    notes: tuple[str, ...] = ()
    command: str = ""
