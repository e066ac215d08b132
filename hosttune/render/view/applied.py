"""What an apply has changed, or would change: what it was, is and will be, and what takes it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hosttune import printable
from hosttune.model.acting import Applied, Lost
from hosttune.model.document import Block, Document, Lines, Paragraph
from hosttune.model.roles import Role
from hosttune.render import outcome, plan_text
from hosttune.render.figures import clock

SCHEMA = "hosttune/apply/1"
LINES = True
_LISTED = 20


def document(applied: Applied, verbose: bool) -> Document:
    """Return it: why there is nothing to do, what would be done, or what became of it."""
    if applied.nothing:
        blocks = idle(applied)
    elif applied.id is None:
        blocks = _planned(applied)
    else:
        blocks = _done(applied)
    return Document("What an apply changes", (), tuple(blocks))


def idle(applied: Applied) -> Iterator[Block]:
    """Yield why there is nothing to do."""
    yield Paragraph(applied.nothing)
    yield from plan_text.noted(applied.notes)


def _planned(applied: Applied) -> Iterator[Block]:
    if not applied.refused:
        yield from _capacity(applied)
    yield from plan_text.blocks(applied.plan, applied.units)


def _done(applied: Applied) -> Iterator[Block]:
    confirmed = applied.confirm is None or not applied.confirm.waits
    yield from _capacity(applied)
    yield from outcome.blocks(applied.results, applied.kernel, confirmed)
    yield from ended(applied)


def _capacity(applied: Applied) -> Iterator[Block]:
    """Yield what the host then carries; nothing where no role says what it is for."""
    if applied.capacity:
        yield Paragraph(applied.capacity)


def ended(applied: Applied, *more: Block) -> Iterator[Block]:
    """Yield what does not hold, what is left alone, `more`, and the commands that keep what was written or undo it."""
    yield from _not_in_force(applied.not_in_force)
    yield from plan_text.noted(applied.notes)
    yield from more
    back = f"sudo hosttune rollback {applied.id}"
    waiting = applied.confirm
    if waiting is None:
        where = "" if applied.root == "/" else f" --root {printable.word(applied.root)}"
        yield Lines((f"undo: {back}{where}",))
        return
    when = f"in {waiting.seconds:,} s, at {clock(waiting.until)}, and by a reboot"
    yield Paragraph(f"all of it will be undone {when}, unless you", "not confirmed")
    yield Lines((f"  keep it: sudo hosttune confirm {applied.id}", f"  undo it now: {back}"))


def _not_in_force(lost: Sequence[Lost]) -> Iterator[Block]:
    """Yield what was written and does not hold, a paragraph each, with who holds it and what to do."""
    for each in lost[:_LISTED]:
        # a long list of ports is said by its beginning
        wrote, holds = (f"{text[:80]} ..." if len(text) > 84 else text for text in (each.wrote, each.holds))
        there = "is there now" if each.when == "now" else "comes at boot"
        by = f"; {'; '.join(each.by)}" if each.by else "; something else writes it"
        text = f"{each.target}: {wrote} was written, {holds} {there}{by}"
        yield Paragraph(text, "NOT IN FORCE", Role.BAD)
    if lost[_LISTED:]:
        yield Paragraph(f"{len(lost) - _LISTED:,} more, which --format json lists", "NOT IN FORCE", Role.BAD)
    if lost:
        yield Paragraph("have that leave it, or set it there; then apply again")
