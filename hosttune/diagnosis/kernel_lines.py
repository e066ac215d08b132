"""The kernel's own words of a limit that was met, as evidence: those of the last minute, and older ones."""

from __future__ import annotations

from hosttune.diagnosis.clues import Clues
from hosttune.model import Evidence

_WHERE = "dmesg"


def fresh(clues: Clues, *words: str) -> tuple[Evidence, ...]:
    """Return the last line of now that has one of the words in it, nothing where there is none."""
    lines = clues.lines(*words)
    return tuple(Evidence(f"the kernel wrote {age:,.0f} s ago: {text}", _WHERE) for age, text in lines[-1:])


def old(clues: Clues, *words: str) -> tuple[Evidence, ...]:
    """Return the last older line likewise: what it reports happened, but not now."""
    lines = clues.lines(*words, fresh=False)
    return tuple(
        Evidence(f"the kernel wrote {_ago(age)} ago: {text}: once, not now", _WHERE, past=True)
        for age, text in lines[-1:]
    )


def _ago(age: float) -> str:
    minutes = age / 60
    return f"{minutes:,.0f} minutes" if minutes < 120 else f"{minutes / 60:,.0f} hours"
