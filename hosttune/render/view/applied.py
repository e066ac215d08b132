"""What an apply has changed, or would change, for a person; what it was, is and will be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from hosttune import printable
from hosttune.model.acting import Applied, Lost, Waiting
from hosttune.render.view import outcome, where_words
from hosttune.render.view import plan as plan_view
from hosttune.render.view.figures import clock, fold

SCHEMA = "hosttune/apply/1"
_LISTED = 20


def plain(applied: Applied) -> dict[str, Any]:
    """Return what goes out to programs: all, with the difference of each change beside it."""
    fields = {field.name: getattr(applied, field.name) for field in dataclasses.fields(applied)}
    changes = []
    for change in applied.changes:
        values = {field.name: getattr(change, field.name) for field in dataclasses.fields(change)}
        changes.append(values | {"diff": "\n".join(plan_view.diff(change))})
    return fields | {"changes": changes}


def table(applied: Applied, width: int) -> str:
    """Return the text for a terminal."""
    if applied.nothing:
        lines = [*fold(f"  {applied.nothing}", width, "    "), *notes(applied.notes, width)]
        return "".join(f"{line}\n" for line in lines)
    if applied.id is None:
        text = plan_view.plan(applied.plan, width, applied.units)
        if applied.refused:
            return text
        return "\n".join([text, *fold(f"  {applied.capacity}", width, "    ")]) + "\n"
    confirmed = applied.confirm is None or not applied.confirm.waits
    text = outcome.outcome(applied.results, applied.capacity, applied.kernel, width, confirmed)
    lines = [*not_in_force(applied.not_in_force, width), *notes(applied.notes, width), *undo(applied)]
    return text + "".join(f"{line}\n" for line in lines)


def notes(texts: Sequence[str], width: int) -> list[str]:
    """Return notes, each a paragraph; what is to be pasted in them stays whole."""
    return [line for note in texts for line in where_words.shown(note, width, "  note: ", "    ")]


def undo(applied: Applied) -> list[str]:
    """Return the commands that keep what was written, or take it back."""
    back = f"sudo hosttune rollback {applied.id}"
    if applied.confirm is None:
        where = "" if applied.root == "/" else f" --root {printable.word(applied.root)}"
        return [f"  undo: {back}{where}"]
    return [
        f"  {_until(applied.confirm)}",
        f"    keep it: sudo hosttune confirm {applied.id}",
        f"    undo it now: {back}",
    ]


def _until(waiting: Waiting) -> str:
    return (
        f"not confirmed: all of it is taken back in {waiting.seconds:,} s, at {clock(waiting.until)}, and by a reboot, "
        "unless you"
    )


def not_in_force(lost: Sequence[Lost], width: int) -> list[str]:
    """Return what was written and does not hold, a paragraph each, with who holds it and what to do."""
    lines: list[str] = []
    for each in lost[:_LISTED]:
        # a long list of ports is said by its beginning
        wrote, holds = (f"{text[:80]} ..." if len(text) > 84 else text for text in (each.wrote, each.holds))
        there = "is there now" if each.when == "now" else "comes at boot"
        by = f"; {'; '.join(each.by)}" if each.by else "; something else writes it"
        text = f"NOT IN FORCE: {each.target}: {wrote} was written, {holds} {there}{by}"
        lines += fold(f"  {text}", width, "      ")
    if lost[_LISTED:]:
        lines.append(f"  NOT IN FORCE: {len(lost) - _LISTED:,} more, which --format json lists")
    if lost:
        lines += fold("  have that leave it, or set it there; then apply again", width, "      ")
    return lines
