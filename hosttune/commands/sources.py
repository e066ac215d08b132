"""Plan source addresses, add some, take some away."""

from __future__ import annotations

from hosttune import api
from hosttune.commands import acting
from hosttune.options import Dialogue, Options, Place, SourceOptions
from hosttune.render.view import sources_plan
from hosttune.terminal import presenting, streams


def plan(options: Options, place: Place, interface: str, headroom: str, format: str) -> int:
    """Print how many it takes; returns 0 where the addresses of now carry it, 1 where they do not."""
    presenting.check_format(format)
    made = api.sources_plan(options, place, interface=interface, headroom=headroom)
    text = sources_plan.json(made) if format == "json" else sources_plan.table(made, presenting.width())
    streams.put(text)
    return 0 if made.carried else 1


def change(how: SourceOptions, place: Place, dialogue: Dialogue, *, remove: bool) -> int:
    """Add or remove them, or show it; returns the exit code."""
    presenting.check_format(dialogue.format)
    agree, verb = acting.agree(dialogue, acting.changes), api.sources_remove if remove else api.sources_add
    done = verb(how, place, dry_run=dialogue.dry_run, agree=agree, command=presenting.command())
    return acting.applied(done, dialogue)
