"""What a rollback has taken back, or would take back."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune import printable
from hosttune.model import Plan
from hosttune.model.acting import Undone
from hosttune.model.document import Block, Commands, Document, Lines, Paragraph
from hosttune.render import plan_text

SCHEMA = "hosttune/rollback/1"
LINES = True


def document(undone: Undone, verbose: bool) -> Document:
    """Return it: the changes, what stays and why, and what is left to do."""
    return Document("What a rollback undoes", (), tuple(_blocks(undone)))


def _blocks(undone: Undone) -> Iterator[Block]:
    if undone.capacity:
        yield Paragraph(undone.capacity)
    notes = (*undone.kept, *([undone.stays] if undone.stays else ()))
    yield from plan_text.blocks(Plan(changes=undone.changes, notes=notes), undone.units, reasons=False)
    yield from (Paragraph(f"{note[:1].upper()}{note[1:]}.") for note in undone.notes)
    if undone.taken_back:
        left = f", except for what is listed above ({len(undone.kept):,})" if undone.kept else ""
        yield Paragraph(f"Apply {undone.id} is undone{left}.")
        if undone.forcible:
            where = "" if undone.root == "/" else f" --root {printable.word(undone.root)}"
            yield Lines((f"to undo that too: sudo hosttune rollback {undone.id} --force{where}",))
    for unit in undone.restarts:
        again = f"systemctl restart {printable.word(unit)}"
        yield Commands("note", (f"{unit} keeps its descriptors until it is started again: {again}",))
