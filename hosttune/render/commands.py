"""Commands of this program in a document, as whoever reads it can paste them."""

from __future__ import annotations

import dataclasses

from hosttune.model.document import Block, Commands, Document, Lines
from hosttune.printable import changed
from hosttune.render.tabular import pasted
from hosttune.spelling import PLAIN, Spelling


def spelled(document: Document, spelling: Spelling) -> Document:
    """Return a document with its commands spelled; what is for another machine, or is literal, stays."""
    blocks = tuple(_block(block, spelling) for block in document.blocks)
    return dataclasses.replace(document, blocks=blocks)


def _block(block: Block, spelling: Spelling) -> Block:
    if isinstance(block, Commands):
        # once it is spelled, a command cannot be told from words by how it begins
        marked = [f"  {line}" if pasted(line) and line[:1] != " " else line for line in block.lines]
        lines = tuple(marked if block.elsewhere else spelling.lines(marked))
        return dataclasses.replace(block, what=spelling.of(block.what), lines=lines)
    if spelling == PLAIN or (isinstance(block, Lines) and block.diff):
        return block
    return changed(block, spelling.of)
