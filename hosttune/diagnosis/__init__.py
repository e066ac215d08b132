"""Why does a host stall: every rule's judgement, ranked, and what they come to.

A rule is a file: its name is the kind of cause, RULE what its causes have in common, `judge(clues)` returns what it
makes of what was observed. It excludes what it has looked at, and says what it could not look at.
"""

from __future__ import annotations

import dataclasses

from hosttune import registry
from hosttune.diagnosis import concluding
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Diagnosis, Evidence

__all__ = ["Clues", "diagnose"]

_OUT = Certainty.EXCLUDED.rank
_RULES = "hosttune.diagnosis.rules"


def diagnose(clues: Clues) -> Diagnosis:
    """Return the ranked causes and the conclusion; pure."""
    rules = [registry.load(_RULES, name) for name in registry.names(_RULES)]
    judged = [(rule.RULE.rivals, cause) for rule in rules for cause in rule.judge(clues)]
    out = tuple(cause for _, cause in judged if cause.certainty is Certainty.EXCLUDED)
    unknown = tuple(cause for _, cause in judged if cause.certainty is Certainty.UNKNOWN)
    held = [_with_rivals(cause, rivals, out) for rivals, cause in judged if cause.certainty.rank < _OUT]
    ranked = sorted(held, key=lambda cause: (cause.certainty.rank, -cause.strength, cause.kind))
    return concluding.conclude(clues, tuple(ranked), out, unknown)


def _with_rivals(cause: Cause, rivals: tuple[str, ...], excluded: tuple[Cause, ...]) -> Cause:
    """Add to a cause what speaks against those that are easily taken for it."""
    against = tuple(
        Evidence(f"{other.kind}: {other.evidence[0].text}", other.evidence[0].where)
        for other in excluded
        if other.kind in rivals and other.evidence
    )
    return dataclasses.replace(cause, rivals=(*cause.rivals, *against))
