"""What the verbs that change a host share at the terminal: they show, ask, and say what became of it."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from hosttune.model.acting import Applied, Undone
from hosttune.options import Dialogue
from hosttune.render import refused
from hosttune.terminal import asking, presenting, started, streams

Noun = TypeVar("Noun")


def agree(dialogue: Dialogue, question: Callable[[Noun], str]) -> Callable[[Noun], bool] | None:
    """Return what shows a person what would be done and asks; None where nobody is to be asked.

    It raises UsageError where nobody can be, once it is known that what was asked for can be done.
    """
    if dialogue.yes:
        return None

    def ask(noun: Noun) -> bool:
        asking.check(dialogue.format, settled=False)
        presenting.present(noun, "table")
        asking.agree(question(noun))
        return True

    return ask


def changes(applied: Applied) -> str:
    """Return what is asked before changes are made."""
    count = len(applied.changes)
    what = f"Make {count:,} change{'s' * (count != 1)}?" if count else f"Restart {', '.join(applied.restarts)}?"
    return _with(applied.capacity, what)


def applied(done: Applied, dialogue: Dialogue) -> int:
    """Print what became of it, reasons to refuse it on standard error; returns the exit code."""
    if done.id is not None:
        streams.did(f"apply {done.id} is done{', and waits to be confirmed' if done.confirm else ''}")
        if not dialogue.yes:
            # who was asked has read what is left alone
            done = dataclasses.replace(done, notes=())
    why = (done.refused, os.geteuid() == 0, presenting.command())
    as_json = dialogue.format == "json"
    # who only forgot sudo has not asked for a plan
    short = as_json or (not dialogue.dry_run and bool(refused.not_root(*why)[0]))
    if as_json or not (done.refused and short):
        presenting.present(done, dialogue.format)
    if done.refused:
        sys.stdout.flush()
        lines = [f"hosttune: {refused.line(*why)}"] if short else refused.lines(*why, presenting.width())
        print(started.spelling().of("\n".join(lines)), file=sys.stderr)
    return done.exit_code


def remark(notes: Iterable[str]) -> None:
    """Print notes on standard error, beside what is to be used as it stands."""
    sys.stdout.flush()
    for note in notes:
        print(started.spelling().of(f"hosttune: {note}"), file=sys.stderr)


def undoing(undone: Undone) -> str:
    """Return what is asked before something is taken back."""
    if undone.heals:
        return f"Heal {' and '.join(f'apply {number}' for number in undone.heals)}?"
    return _with(undone.capacity, f"Undo {undone.name}?")


def _with(capacity: str, question: str) -> str:
    """Return a question with what the host carries before and after, where that is known."""
    return f"{capacity}. {question}" if capacity else question


def undone(done: Undone, dialogue: Dialogue) -> int:
    """Print what became of it; returns the exit code."""
    if done.taken_back:
        streams.did(f"the rollback of apply {done.id} is done")
    if not dialogue.yes and not dialogue.dry_run and dialogue.format != "json":
        # who was asked has seen them
        done = dataclasses.replace(done, changes=(), stays="")
    return present(done, dialogue.format)


def present(noun: Any, format: str) -> int:
    """Print a noun; returns its exit code."""
    presenting.present(noun, format)
    return int(noun.exit_code)
