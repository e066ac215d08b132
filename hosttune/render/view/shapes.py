"""What every picture has: its ink, and untrusted text as XML can hold it."""

from __future__ import annotations

from xml.sax.saxutils import escape

from hosttune.printable import clean

INK, PALE = "#1d2733", "#5c6b7a"


def text(
    x: float, y: float, said: str, fill: str, *, anchor: str = "start", size: int = 12, weight: str = "normal"
) -> str:
    """Return a line of text at a place."""
    more = f' text-anchor="{anchor}"' if anchor != "start" else ""
    more += f' font-weight="{weight}"' if weight != "normal" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}"{more}>{safe(said)}</text>'


def safe(said: str) -> str:
    """Return untrusted text as XML can hold it."""
    return escape(clean(said))
