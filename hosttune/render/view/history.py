"""The applies of a host: each with who made it and why, and the command that takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hosttune.model import Who
from hosttune.model.acting import History, Invocation, Past, Unusable
from hosttune.model.document import Block, Document, Lines, Paragraph
from hosttune.render.figures import when

SCHEMA = "hosttune/history/1"
_SHOWN = 20
"""Damaged records that are shown; JSON has all."""


def plain(history: History) -> dict[str, Any]:
    """Return what goes out to programs: the records as the journal has them."""
    return {"applies": [past.record for past in history.applies], "damaged": history.damaged}


def document(history: History, verbose: bool) -> Document:
    """Return it, oldest first."""
    blocks = [block for past in history.applies for block in _past(past)]
    blocks += [block for row in history.damaged[-_SHOWN:] for block in _unusable(row)]
    if history.damaged[_SHOWN:]:
        more = f"and {len(history.damaged) - _SHOWN:,} more, which --format json lists"
        blocks.append(Paragraph(more, depth=2))
    return Document("The applies of this host", (), tuple(blocks or [Paragraph("no apply is recorded here")]))


def _past(past: Past) -> Iterator[Block]:
    role = f"role {' + '.join(past.roles)}, " if past.roles else ""
    # of `hosttune sources` nothing else was asked
    target = f"{past.connections:,} connections" if past.connections else "source addresses"
    yield Paragraph(f"{past.id:>2}  {when(past.made.when)}  {past.state}  {role}{target}")
    what = f"{past.changes:,} change{'s' * (past.changes != 1)}, {' and '.join(past.layers)}"
    yield Paragraph(f"{what}: {past.made.command}", depth=2)
    yield Paragraph(f"by {_by(past.made)}", depth=2)
    yield from (Paragraph(f"rolled back {when(each.when)} by {_by(each)}", depth=2) for each in past.rollbacks)
    if past.steps:
        yield Lines(("    " + "; ".join(f"{what}: {command}" for what, command in past.steps),))


def _unusable(row: Unusable) -> Iterator[Block]:
    number = row.id if row.id is not None else "?"
    damaged = " is damaged" if row.id else ""
    # a command stands in a line of its own, so that it can be pasted
    fix, colon, command = row.fix.partition(": sudo ")
    yield Paragraph(f"{number:>2}  cannot be used: {row.file}{damaged}: {row.why}; {fix}{':' * bool(colon)}")
    if command:
        yield Lines((f"    sudo {command}",))


def _by(made: Invocation) -> str:
    """Return who did something and why; the reason is last, so that whatever it says it ends the line."""
    return f"{_name(made.who)}{f'; reason: {made.reason}' if made.reason else ''}"


def _name(who: Who) -> str:
    """Return a person as the journal knows them: alice, by sudo, on pts/0, over ssh from 10.0.0.5."""
    sudo = "" if not who.sudo else " by sudo" if who.sudo == who.login else f" by sudo of {who.sudo}"
    tty = f" on {who.tty}" if who.tty else ""
    return f"{who.login or 'unknown'}{sudo}{tty}{f' over ssh from {who.ssh}' if who.ssh else ''}"
