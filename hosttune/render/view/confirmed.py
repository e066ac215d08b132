"""An apply that is kept, and what its confirm writes."""

from __future__ import annotations

from hosttune.model import Plan
from hosttune.model.acting import Confirmed
from hosttune.model.document import Block, Document, Lines, Paragraph
from hosttune.render import plan_text

SCHEMA = "hosttune/confirm/1"
LINES = True


def document(confirmed: Confirmed, verbose: bool) -> Document:
    """Return it, with the command that comes next."""
    id = confirmed.id
    blocks: tuple[Block, ...]
    if not confirmed.changed:
        blocks = (Paragraph(f"Nothing to do: apply {id} is confirmed already."),)
    elif confirmed.dry_run:
        shown = plan_text.blocks(Plan(changes=confirmed.changes), reasons=False)
        blocks = (*shown, Lines((f"keep it: sudo hosttune confirm {id}",)))
    else:
        until = "it stays, after a reboot too" if confirmed.lasts else "it stays until the next boot (--runtime-only)"
        blocks = (Paragraph(f"Apply {id} is confirmed: {until}."), Lines((f"undo: sudo hosttune rollback {id}",)))
    return Document("What a confirm keeps", (), blocks)
