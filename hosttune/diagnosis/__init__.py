"""Why does a host stall: every rule's judgement, ranked, and what they come to.

A rule is a file: its name is the kind of cause, `judge(clues)` returns what it makes of them. It excludes what it has
looked at, says what it could not look at, and names with RIVALS the kinds that are easily taken for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hosttune import registry
from hosttune.diagnosis import concluding
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Diagnosis, Evidence

__all__ = ["Clues", "diagnose"]

_HELD = (Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE)


def diagnose(clues: Clues) -> Diagnosis:
    """Return the ranked causes and the conclusion; pure."""
    rules = {
        name: registry.load("hosttune.diagnosis.rules", name) for name in registry.names("hosttune.diagnosis.rules")
    }
    judged = {name: tuple(rule.judge(clues)) for name, rule in rules.items()}
    found = [cause for causes in judged.values() for cause in causes]
    held = sorted(
        (_with_rivals(c, rules, found) for c in found if c.certainty in _HELD),
        key=lambda c: (c.certainty.rank, -c.strength, c.kind),
    )
    out = tuple(c for c in found if c.certainty is Certainty.EXCLUDED)
    unknown = tuple(c for c in found if c.certainty is Certainty.UNKNOWN)
    return concluding.conclude(clues, tuple(held), out, unknown)


def _with_rivals(cause: Cause, rules: Mapping[str, object], found: list[Cause]) -> Cause:
    """Add to a cause what speaks against those that are easily taken for it."""
    rivals = getattr(rules.get(cause.kind.replace("-", "_")), "RIVALS", ())
    against = tuple(
        Evidence(f"{other.kind}: {other.evidence[0].text}", other.evidence[0].where)
        for other in found
        if other.kind in rivals and other.certainty is Certainty.EXCLUDED and other.evidence
    )
    return dataclasses.replace(cause, rivals=(*cause.rivals, *against))
