"""Why does a host stall: every rule's judgement, ranked, and what they come to.

A rule is a file: its name is the kind of cause, RULE what its causes have in common, `judge(clues)` returns what it
makes of what was observed. It excludes what it has looked at, and says what it could not look at.
"""

from __future__ import annotations

from hosttune import registry
from hosttune.diagnosis import concluding
from hosttune.diagnosis.clues import Clues
from hosttune.model import Certainty, Diagnosis

__all__ = ["Clues", "diagnose"]

_RULES = "hosttune.diagnosis.rules"


def diagnose(clues: Clues) -> Diagnosis:
    """Return the ranked causes and the conclusion; pure."""
    judged = [cause for name in registry.names(_RULES) for cause in registry.load(_RULES, name).judge(clues)]
    held = (cause for cause in judged if cause.certainty.rank < Certainty.EXCLUDED.rank)
    ranked = sorted(held, key=lambda cause: (cause.certainty.rank, -cause.strength, cause.kind))
    out = tuple(cause for cause in judged if cause.certainty is Certainty.EXCLUDED)
    unknown = tuple(cause for cause in judged if cause.certainty is Certainty.UNKNOWN)
    return concluding.conclude(clues, tuple(ranked), out, unknown)
