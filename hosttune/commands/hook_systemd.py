"""Print a unit that checks at boot, and its timer."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.commands import _load


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune hook systemd`, as given; `output` is "" where it is printed."""

    aim: _load.Aim
    every: str
    fail_on: str
    strict: bool
    textfile: str
    output: str


def run(asked: Asked) -> None:
    """Print a unit that checks at boot, and its timer."""
    raise NotImplementedError
