"""Pages in a real Chromium: one start shows all of them, on a phone and on a desk, light and dark."""

from __future__ import annotations

import dataclasses
import html
import itertools
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hosttune.model.document import Column, Document, Paragraph, Row, Table
from hosttune.printable import cleaned
from hosttune.render import format_module, render
from tests import needs
from tests.render import plans
from tests.render.test_every_format import NOUNS
from tests.render.test_pages import HOSTILE, pool
from tests.render.test_render_examples import report

WIDTHS = (360, 1280)
SHOWN = ("report", "capacity", "sizing", "diagnosis", "account", "fleet")
LEGIBLE = 4.5
"""Contrast of text (WCAG 2.2, 1.4.3, level AA)."""

# each page is a frame of its own size and scheme; what is measured is written into the page around them
MEASURE = r"""
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parts = colour => colour.match(/[\d.]+/g).map(Number);
const light = colour => {
  const [r, g, b] = parts(colour).map(channel);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const behind = (view, node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = view.getComputedStyle(at).backgroundColor, [r, g, b, opaque = 1] = parts(colour);
    if (opaque === 1) return colour;
  }
  return "rgb(255, 255, 255)";
};
const own = node => [...node.childNodes].filter(c => c.nodeType === 3).map(c => c.data).join("").trim();
const faint = view => [...view.document.body.querySelectorAll("*")]
  .filter(node => own(node) && node.getClientRects().length && !node.matches("script, style, title, desc, .hidden"))
  .map(node => {
    const style = view.getComputedStyle(node), drawn = node instanceof view.SVGElement;
    return [contrast(drawn ? style.fill : style.color, behind(view, node)), own(node)];
  })
  .filter(found => found[0] < LEGIBLE);
const sorted = page => [...page.querySelectorAll("table.sortable th")].map(head => {
  head.querySelector("button").click();
  const at = head.cellIndex, column = [...page.querySelector("table.sortable").tBodies[0].rows].map(
    row => row.cells[at].textContent);
  return [head.textContent, head.getAttribute("aria-sort"), column];
});
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const view = frame.contentWindow, page = view.document, root = page.documentElement;
    return {
      name: frame.title, dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
      back: view.getComputedStyle(page.body).backgroundColor,
      wide: root.clientWidth, content: root.scrollWidth, scripts: page.scripts.length,
      tall: root.scrollHeight, faint: faint(view), sorted: sorted(page),
    };
  });
  document.getElementById("found").textContent = JSON.stringify(found);
});
"""


def hostile() -> Any:
    """Return a document of nothing but hostile and very long names."""
    row = Row((HOSTILE, "a" * 400, "\u202e" + "b " * 200))
    table = Table((Column("a"), Column("b"), Column(HOSTILE)), (row, row), HOSTILE, sortable=True)
    return cleaned(Document("t" * 300, (HOSTILE, "c" * 300), (Paragraph("d" * 300, "e" * 100), table)))


@cache
def pages() -> dict[str, str]:
    made = {name: render(NOUNS[name], "html") for name in SHOWN}
    made["pools"] = render(report(pools=tuple(pool(number, number * 2_000) for number in range(1, 15))), "html")
    state = plans.fleet().waiting[0]
    ready = tuple(dataclasses.replace(state, name=f"client-{n}", carries=n * 9_000, problems=()) for n in (10, 9, 1))
    made["fleet"] = render(dataclasses.replace(plans.fleet(), ready=ready), "html")
    made["fan"] = render(plans.fan(), "html")
    made["hostile"] = str(format_module("Report", "html").write(hostile()))
    return made


def around() -> str:
    frames = [
        f'<iframe title="{name}" srcdoc="{html.escape(text)}" '
        f'style="width:{width}px;height:900px;border:0;color-scheme:{scheme}"></iframe>'
        for (name, text), width, scheme in itertools.product(pages().items(), WIDTHS, ("light", "dark"))
    ]
    script = f"<script>const LEGIBLE = {LEGIBLE};{MEASURE}</script>"
    return f'<!DOCTYPE html><meta charset="utf-8"><pre id="found"></pre>{script}{"".join(frames)}'


@pytest.mark.slow
def test_pages_fit_their_screens_and_can_be_read(tmp_path: Path) -> None:
    needs.need("chromium")
    (tmp_path / "all.html").write_text(around(), encoding="utf-8")
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--hide-scrollbars",
    ]
    options += ["--disable-background-networking", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'user'}"]
    done = subprocess.run(
        [needs.where("chromium"), *options, "--dump-dom", (tmp_path / "all.html").as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    match = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert match, done.stderr[-3000:]
    found = json.loads(html.unescape(match[1]))
    assert not re.findall(r"CONSOLE.*", done.stderr)
    assert {(one["name"], one["wide"], one["dark"]) for one in found} == {
        *itertools.product(pages(), WIDTHS, (False, True))
    }
    assert not [(one["name"], one["wide"], one["content"]) for one in found if one["content"] > one["wide"]]
    assert not [(one["name"], one["dark"], one["faint"][:5]) for one in found if one["faint"]]
    for one in found:
        assert one["back"] == ("rgb(20, 25, 31)" if one["dark"] else "rgb(255, 255, 255)")
        assert one["scripts"] == (one["name"] in ("fleet", "hostile"))
    fleet = next(one for one in found if one["name"] == "fleet")
    columns = {name: (order, cells) for name, order, cells in fleet["sorted"]}
    assert columns["host"] == (
        "ascending",
        ["broker-3", "client-1", "client-7", "client-9", "client-10", "client-24"],
    )
    # what is unknown comes last
    assert columns["stops at"] == ("ascending", ["9,000", "28,232", "81,000", "90,000", "?", "?"])
