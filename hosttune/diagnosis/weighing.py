"""What an errno that was met leaves of a cause: one that cannot give it may be near its limit too, and no more."""

from __future__ import annotations

import dataclasses

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence

_HELD = (Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE)


def excluded(clues: Clues, rule: Rule) -> Cause | None:
    """Return that a cause of connections that go out is none where none does; None where it may be one."""
    if not rule.outgoing or rule.met(clues) or clues.hits(rule.kind):
        return None
    why = pool_rows.nothing_goes_out(clues)
    return rule.excluded(why) if why else None


def weighed(clues: Clues, rule: Rule, cause: Cause) -> Cause:
    """Return a cause as it stands against the errno that was met; the same where it can give that one, or none was.

    A line of a log that names the cause itself outweighs the errno of another line.
    """
    if cause.certainty not in _HELD or clues.hits(cause.kind) or rule.gives_what_was_met(clues) is not False:
        return cause
    against = cause.against
    if not any(evidence.where == saying.met_where(clues) for evidence in against):
        against = (*against, Evidence(saying.instead(clues, rule.outcome), saying.met_where(clues)))
    # what was said speaks for others
    seen = tuple(evidence for evidence in cause.evidence if evidence.where != saying.met_where(clues))
    confirm = cause.confirm or rule.confirm or saying.ASK_ERRNO
    return dataclasses.replace(
        cause, certainty=Certainty.POSSIBLE, beside=True, evidence=seen, against=against, confirm=confirm
    )


def order(cause: Cause) -> tuple[bool, int, int, str]:
    """Return the key by which held causes are ranked: those that can give what was met first, then by certainty."""
    return cause.beside, cause.certainty.rank, -cause.strength, cause.kind
