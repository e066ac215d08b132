"""Make a host ready, or print what would."""

from __future__ import annotations

from hosttune import api, render
from hosttune.commands import acting
from hosttune.errors import UsageError
from hosttune.options import ApplyOptions, Dialogue, Options, Place
from hosttune.terminal import presenting, streams


def run(options: Options, place: Place, how: ApplyOptions, dialogue: Dialogue, script: bool, emit: str) -> int:
    """Carry it out, or show it; returns the exit code."""
    render.check_format("Applied", dialogue.format)
    command = presenting.command()
    if not script and not emit:
        agree = acting.agree(dialogue, acting.changes)
        done = api.apply(options, place, how, dry_run=dialogue.dry_run, agree=agree, command=command)
        return acting.applied(done, dialogue)
    if dialogue != Dialogue() or (script and emit):
        option, what = ("--script", "a shell script") if script else ("--emit", "a file")
        more = ", --emit" * bool(script and emit)
        raise UsageError(f"{option}: it prints {what} and writes nothing; leave out --yes, --dry-run, --format{more}")
    if script:
        streams.put(api.apply_script(options, place, how, command=command))
        return 0
    made = api.apply_emit(options, place, how, format=emit, command=command)
    if made.text:
        streams.put(made.text)
    acting.remark(() if made.commented else filter(None, (made.capacity, *made.notes)))
    return 0
