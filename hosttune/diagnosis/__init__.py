"""Why does a host stall: every rule's judgement, ranked, and what they come to.

A rule is a file: its name is the kind of cause, RULE what its causes have in common, `judge(clues)` returns what it
makes of what was observed. It excludes what it has looked at, and says what it could not look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hosttune import registry
from hosttune.diagnosis import concluding, numbers, weighing
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Diagnosis

__all__ = ["Clues", "diagnose"]

_RULES = "hosttune.diagnosis.rules"


def diagnose(clues: Clues) -> Diagnosis:
    """Return the ranked causes and the conclusion; pure."""
    judged = [cause for name in registry.names(_RULES) for cause in _judged(clues, registry.load(_RULES, name))]
    held = [cause for cause in judged if cause.certainty.rank < Certainty.EXCLUDED.rank]
    ranked = sorted(numbers.weighed(clues, held), key=weighing.order)
    out = tuple(cause for cause in judged if cause.certainty is Certainty.EXCLUDED)
    unknown = tuple(cause for cause in judged if cause.certainty is Certainty.UNKNOWN)
    return concluding.conclude(clues, tuple(ranked), out, unknown)


def _judged(clues: Clues, rule: Any) -> Iterator[Cause]:
    """Yield what the module of a rule makes of the clues, as the errno that was met lets it stand."""
    none = weighing.excluded(clues, rule.RULE)
    if none:
        yield none
        return
    for cause in rule.judge(clues):
        yield weighing.weighed(clues, rule.RULE, cause)
