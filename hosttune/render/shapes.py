"""What every picture has: its ink, lines of text, and untrusted text as XML can hold it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hosttune.model.roles import Role
from hosttune.printable import clean
from hosttune.render.figures import cut, fold

INK, PALE, GRID, LINE, BACK, PAPER = "#1d2733", "#556270", "#dfe5ea", "#75828e", "#f4f6f8", "#ffffff"
FILLS = {
    Role.BAD: "#8f1410",
    Role.DRIFT: "#946600",
    Role.GOOD: "#006e66",
    Role.UNKNOWN: "#5b3fc4",
    Role.PLAIN: "#5f6c78",
}
"""A colour for each role: legible as text on white, and apart for eyes that lack the red or the green cones."""

DARK = {
    INK: "#e3e8ee",
    PALE: "#a3b0bc",
    GRID: "#33404c",
    LINE: "#7f8d9a",
    BACK: "#1d252e",
    PAPER: "#14191f",
    FILLS[Role.BAD]: "#ff7a66",
    FILLS[Role.DRIFT]: "#ffd75e",
    FILLS[Role.GOOD]: "#5fdcc4",
    FILLS[Role.UNKNOWN]: "#b79bff",
    FILLS[Role.PLAIN]: "#98a5b1",
}
"""What stands for each colour on a dark page."""
EDGE = 24
_LETTERS = 7.3  # pixels of a letter of size 14 in most sans-serif fonts, with some to spare


@dataclass(frozen=True, slots=True)
class Picture:
    """Elements of SVG, and the room they take in pixels."""

    lines: tuple[str, ...]
    width: int
    height: int


def text(
    x: float, y: float, label: str, fill: str, *, anchor: str = "start", size: int = 12, weight: str = "normal"
) -> str:
    """Return a line of text at a place."""
    more = f' text-anchor="{anchor}"' if anchor != "start" else ""
    more += f' font-weight="{weight}"' if weight != "normal" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}"{more}>{safe(label)}</text>'


def fitted(
    x: float, y: float, label: str, fill: str, wide: int, size: int = 12, weight: str = "normal", anchor: str = "start"
) -> str:
    """Return a line of text that is cut where it is wider than so many pixels."""
    return text(x, y, cut(label, letters(wide, size), True), fill, anchor=anchor, size=size, weight=weight)


def folded(label: str, wide: int, size: int, hang: str = "") -> list[str]:
    """Return text as lines that fit so many pixels."""
    return fold(label, letters(wide, size), hang)


def letters(wide: int, size: int) -> int:
    """Return how many letters of a size fit so many pixels."""
    return int(wide / (_LETTERS * size / 14))


def rect(x: float, y: float, width: float, height: float, **how: object) -> str:
    """Return a rectangle; an attribute's underscores are hyphens."""
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in how.items())
    return f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}"{more}/>'.replace(".0", "")


def svg(title: str, body: Iterable[str], width: int, height: int, description: str = "") -> str:
    """Return a document of SVG 1.1, without script, style sheet or font of its own."""
    named = [f"<title>{safe(title)}</title>", *([f"<desc>{safe(description)}</desc>"] if description else [])]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
            *named,
            f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
            *body,
            "</svg>",
        ]
    )


def safe(label: str) -> str:
    """Return untrusted text as XML can hold it."""
    return escape(clean(label))
