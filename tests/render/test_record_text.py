"""A record as Markdown and as a picture: maxima, bounds, gaps; and nothing of a hostile record gets through."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree

import pytest

from hosttune.model import Account, Record, Run
from hosttune.render import render
from hosttune.watching.account import account
from tests.watching.made import tick, use

RUN = Run(1_000_000_000.0, "lb01", "Debian 12", "6.1", 8, 1 << 34, 1.0, "hosttune watch", {"fs.file-max": "10"})
SVG = "{http://www.w3.org/2000/svg}"


def climbed(count: int = 40, run: Run = RUN) -> Account:
    ticks = tuple(
        tick(
            float(n),
            use(n * 20, 1_000 if n < 30 else 2_000, 500, "ports:a->b"),
            use(n),
            Tcp_CurrEstab=n * 20,
            Tcp_RetransSegs=n * n,
            softnet_dropped=n,
        )
        for n in range(count)
    )
    return account(Record((run,), ticks, torn=1))


def test_the_page_has_maxima_bounds_changes_and_settings() -> None:
    page = render(climbed(), "markdown")
    assert "| the ports:a->b | 780 entries | 39 s | 1,000, then 2,000; slow above 500 | 58 % |" in page
    assert "after 30 s the limit of the ports:a->b was 1,000 and is 2,000" in page
    assert "| retransmitted segments | 77 /s |" in page and "| fs.file-max | 10 |" in page
    assert "softnet backlog full" in page and "1 lines are damaged" in page


def test_the_table_over_time_has_the_highest_of_each_step() -> None:
    page = render(climbed(), "markdown")
    section = page[page.index("## Connections") :]
    rows = [line for line in section.splitlines()[4:] if line.startswith("| ")]
    assert "780" in section and len(rows) >= 10


@pytest.mark.parametrize("count", [1, 2, 40, 3_000])
def test_the_picture_is_well_formed_and_within_itself(count: int) -> None:
    root = ElementTree.fromstring(render(climbed(count), "svg"))
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    lines = root.findall(f".//{SVG}polyline")
    assert count == 1 or lines
    for line in lines:
        points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        assert len(points) <= 1_200
    assert not root.findall(f".//{SVG}script")


def test_the_picture_draws_a_bound_that_was_near_and_its_step() -> None:
    text = [one.text or "" for one in ElementTree.fromstring(render(climbed(), "svg")).iter(f"{SVG}text")]
    assert "limit 1,000" in text and "limit 2,000" in text and "slow above 500" in text
    assert any("after 30 s the limit of" in one for one in text)


def test_a_bound_far_away_is_in_words_only() -> None:
    ticks = (tick(0.0, use(1, 1_000_000)), tick(1.0, use(2, 1_000_000)))
    drawn = render(account(Record((RUN,), ticks)), "svg")
    assert drawn.count("limit 1,000,000") == 1


def test_a_hostile_record_stays_text() -> None:
    bad = dataclasses.replace(RUN, hostname="<script>\x1b[2J|`x`", pretty="]]>&\x00", command="`rm`|")
    found = climbed(3, bad)
    root = ElementTree.fromstring(render(found, "svg"))
    assert not root.findall(f".//{SVG}script") and "<script>" in (root.findtext(f"{SVG}title") or "")
    page = render(found, "markdown")
    assert "\x1b" not in page and "<script>" not in page and "\\|" in page
