"""The picture holds untrusted text safely, and bars never leave their field."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from hypothesis import given
from hypothesis import strategies as st

from hosttune.model import Bound, Capacity
from hosttune.render import render
from tests.render.test_render_examples import report

SPACE = "{http://www.w3.org/2000/svg}"
NUMBERS = st.integers(0, 2**63)


@given(st.text(max_size=30), st.lists(st.tuples(NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS), max_size=12))
def test_any_report_is_a_picture(name: str, rows: list[tuple[int, int | None, int | None]]) -> None:
    bounds = tuple(Bound(f"b{n}", name, hard, knee, used, "", "") for n, (hard, knee, used) in enumerate(rows))
    root = ElementTree.fromstring(render(Capacity(report(bounds=bounds)), "svg"))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for rect in root.iter(f"{SPACE}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x >= 0 and x + float(rect.attrib["width"]) <= width and y + float(rect.attrib["height"]) <= height
    bars = [r for r in root.iter(f"{SPACE}rect") if r.get("height") == "18"]
    assert len(bars) == len(rows)
