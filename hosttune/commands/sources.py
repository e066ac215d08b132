"""Plan source addresses, add some, take some away."""

from __future__ import annotations

from hosttune import api, render
from hosttune.commands import acting
from hosttune.options import Dialogue, Options, Place, SourceOptions
from hosttune.terminal import presenting


def plan(options: Options, place: Place, interface: str, headroom: str, format: str) -> int:
    """Print how many it takes; returns 0 where the addresses of now carry it, 1 where they do not."""
    render.check_format("SourcePlan", format)
    made = api.sources_plan(options, place, interface=interface, headroom=headroom)
    presenting.present(made, format)
    return 0 if made.carried else 1


def change(how: SourceOptions, place: Place, dialogue: Dialogue, *, remove: bool) -> int:
    """Add or remove them, or show it; returns the exit code."""
    render.check_format("SourcesChanged", dialogue.format)
    agree, verb = acting.agree(dialogue, acting.changes), api.sources_remove if remove else api.sources_add
    done = verb(how, place, dry_run=dialogue.dry_run, agree=agree, command=presenting.command())
    return acting.applied(done, dialogue)
