"""What is drawn better than written: bars, a flow, curves; each as elements of SVG, from the top left corner down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hosttune.model.document import Block, Plot
from hosttune.model.drawings import Bars, Flow
from hosttune.render.pictures import bars, flow, plot
from hosttune.render.shapes import Picture

_DRAWN: dict[type[Block], Callable[[Any], Picture]] = {Bars: bars.draw, Flow: flow.draw, Plot: plot.draw}


def draw(block: Block) -> Picture | None:
    """Return the picture of a block; None where it is no picture."""
    made = _DRAWN.get(type(block))
    return made(block) if made else None
