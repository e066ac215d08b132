"""Make a host ready, or print what would."""

from __future__ import annotations

from hosttune import api, render
from hosttune.commands import acting
from hosttune.errors import UsageError
from hosttune.options import ApplyOptions, Dialogue, Options, Place
from hosttune.terminal import presenting, streams


def run(options: Options, place: Place, how: ApplyOptions, dialogue: Dialogue, script: bool) -> int:
    """Carry it out, or show it; returns the exit code."""
    render.check_format("Applied", dialogue.format)
    command = presenting.command()
    if not script:
        agree = acting.agree(dialogue, acting.changes)
        done = api.apply(options, place, how, dry_run=dialogue.dry_run, agree=agree, command=command)
        return acting.applied(done, dialogue)
    if dialogue != Dialogue():
        raise UsageError(
            "--script: it prints a shell script and writes nothing; leave out --yes, --dry-run and --format"
        )
    streams.put(api.apply_script(options, place, how, command=command))
    return 0
