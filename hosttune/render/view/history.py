"""The applies of a host, for a person: each with who made it and why, and the command that takes it back."""

from __future__ import annotations

from typing import Any

from hosttune.model import Who
from hosttune.model.acting import History, Invocation, Past, Unusable
from hosttune.render.view.figures import fold, when

SCHEMA = "hosttune/history/1"
_SHOWN = 20
"""Damaged records that the table shows; JSON has all."""


def plain(history: History) -> dict[str, Any]:
    """Return what goes out to programs: the records as the journal has them."""
    return {"applies": [past.record for past in history.applies], "damaged": history.damaged}


def table(history: History, width: int) -> str:
    """Return the text for a terminal, oldest first."""
    lines = [line for past in history.applies for line in _past(past, width)]
    lines += [line for row in history.damaged[-_SHOWN:] for line in _unusable(row, width)]
    if history.damaged[_SHOWN:]:
        lines.append(f"      and {len(history.damaged) - _SHOWN:,} more, which --format json lists")
    return "".join(f"{line}\n" for line in lines or ["no apply is recorded here"])


def _past(past: Past, width: int) -> list[str]:
    role = f"role {' + '.join(past.roles)}, " if past.roles else ""
    # of `hosttune sources` nothing else was asked
    wanted = f"{past.connections:,} connections" if past.connections else "source addresses"
    head = f"{past.id:>4}  {when(past.made.when)}  {past.state}  {role}{wanted}"
    what = f"{past.changes:,} change{'s' * (past.changes != 1)}, {' and '.join(past.layers)}: {past.made.command}"
    lines = [*fold(head, width, "      "), *fold(f"      {what}", width, "        ")]
    for by in (_by("by", past.made), *(_by(f"rolled back {when(i.when)} by", i) for i in past.rollbacks)):
        lines += fold(f"      {by}", width, "        ")
    steps = "; ".join(f"{what}: {command}" for what, command in past.steps)
    return [*lines, *([f"      {steps}"] if steps else [])]


def _unusable(row: Unusable, width: int) -> list[str]:
    number = row.id if row.id is not None else "?"
    damaged = " is damaged" if row.id else ""
    # a command stands in a line of its own, so that it can be pasted
    fix, colon, command = row.fix.partition(": sudo ")
    text = f"{number:>4}  cannot be used: {row.file}{damaged}: {row.why}; {fix}{':' * bool(colon)}"
    return [*fold(text, width, "      "), *([f"      sudo {command}"] if command else [])]


def _by(what: str, made: Invocation) -> str:
    """Return who did something and why; the reason is last, so that whatever it says it ends the line."""
    return f"{what} {_name(made.who)}{f'; reason: {made.reason}' if made.reason else ''}"


def _name(who: Who) -> str:
    """Return a person as the journal knows them: alice, by sudo, on pts/0, over ssh from 10.0.0.5."""
    sudo = "" if not who.sudo else " by sudo" if who.sudo == who.login else f" by sudo of {who.sudo}"
    tty = f" on {who.tty}" if who.tty else ""
    return f"{who.login or 'unknown'}{sudo}{tty}{f' over ssh from {who.ssh}' if who.ssh else ''}"
