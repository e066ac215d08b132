"""Take an apply back, or show what would be."""

from __future__ import annotations

from hosttune import api, render
from hosttune.commands import acting
from hosttune.options import Dialogue, Place, RollbackOptions
from hosttune.terminal import presenting


def run(how: RollbackOptions, place: Place, dialogue: Dialogue) -> int:
    """Carry it out, or show it; returns the exit code."""
    render.check_format("Undone", dialogue.format)
    agree = acting.agree(dialogue, acting.undoing)
    done = api.rollback(how, place, dry_run=dialogue.dry_run, agree=agree, command=presenting.command())
    return acting.undone(done, dialogue)
