"""Pages for a browser: well formed, in one file, labelled, and nothing of a host is markup in them."""

from __future__ import annotations

import dataclasses
import itertools
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from hosttune.model import Backend, BindMode, PortPool
from hosttune.model.document import Column as Head
from hosttune.model.document import Document, Plot, Row, Table
from hosttune.model.drawings import Bar, Bars, Curve, Gauge, Gauges
from hosttune.model.roles import Role
from hosttune.render import format_module, render, scale
from hosttune.render.pages import sorting
from hosttune.render.shapes import BACK, DARK, FILLS, INK, PALE, PAPER
from tests.render import plans
from tests.render.test_every_format import NOUNS
from tests.render.test_render_examples import report

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' \x1b[2J\u202e\x00&lt;"
VOID = {"meta", "br", "rect", "line", "path", "circle", "polyline"}
Attributes = dict[str, str]


class Elements(HTMLParser):
    """All elements of a page in their order, each with its attributes and the text in it; nesting is held."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[int] = []
        self.all: list[tuple[str, Attributes, list[str]]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.all.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self.open.append(len(self.all) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.all.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self.all[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self.open:
            self.all[number][2].append(data)

    def of(self, *tags: str) -> list[tuple[str, Attributes, str]]:
        return [(tag, attributes, "".join(text)) for tag, attributes, text in self.all if tag in tags]


def write(*blocks: Any, title: str = "a host") -> str:
    return str(format_module("Report", "html").write(Document(title, ("about it",), blocks)))


def pool(number: int, used: int = 0, source: str = "10.0.0.9") -> PortPool:
    backend = Backend(f"10.0.1.{number}", 1883)
    free = 28_232 - used
    return PortPool(
        source, backend, BindMode.NO_PORT, 32_768, 60_999, 28_232, 0, 0, 28_232, used, 0, 0, free, free, 14_116
    )


@pytest.mark.parametrize("name", [*NOUNS])
def test_a_page_is_one_file_that_is_labelled(name: str) -> None:
    text = render(NOUNS[name], "html")
    page = Elements(text)
    (_, html, _), *_ = page.all
    assert html["lang"] == "en" and text.startswith("<!DOCTYPE html>\n")
    assert page.of("title")[0][2] == page.of("h1")[0][2]
    levels = [int(tag[1]) for tag, _, _ in page.of("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for _, attributes, said in page.of("th"):
        assert attributes["scope"] == "col" and said.strip()
    assert all(said.strip() for _, _, said in page.of("h1", "h2", "summary"))
    for _, attributes, said in page.of("svg"):
        role = attributes.get("role")
        assert role == "img" or attributes.get("aria-hidden") == "true" or "viewbox" in attributes, attributes
        if role == "img":
            assert said.strip(), attributes
    for _, attributes, _ in page.all:
        assert attributes.get("role") not in ("region", "group") or attributes["aria-label"].strip()
    ids = [attributes["id"] for _, attributes, _ in page.all if "id" in attributes]
    assert len(ids) == len(set(ids))
    alone(page, text)


def alone(page: Elements, text: str) -> None:
    """Hold a page to bring nothing from elsewhere, and to run nothing but the script of ours."""
    tags = {tag for tag, _, _ in page.all}
    assert not tags & {"img", "link", "iframe", "object", "embed", "base", "form", "image", "use", "foreignobject", "a"}
    for tag, attributes, _ in page.all:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "xlink:href")], tag
        assert "style" not in attributes, tag
    assert "url(" not in text and "@import" not in text
    assert all(said == sorting.SCRIPT for _, _, said in page.of("script"))
    (policy,) = (a["content"] for _, a, _ in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert ("script-src" in policy) == bool(page.of("script"))


@pytest.mark.parametrize("bad", [HOSTILE, "\u202eevil\u2066", "a" * 3000])
def test_a_hostile_name_is_text_wherever_it_stands(bad: str) -> None:
    bar = Bar(bad, 10, bad, knee=5, used=3, role=Role.BAD)
    curve = Curve(bad, bad, ((0.0, 1.0), (1.0, None), (2.0, 3.0)), ((0.0, 3),), ((0.0, 2),), 3.0, 2.0)
    table = Table((Head(bad), Head(bad)), (Row((bad, bad), (bad,)),), bad, sortable=True)
    found = Document(
        bad,
        (bad,),
        (
            table,
            Bars(bad, 100, (bar,), 100),
            Gauges(bad, (Gauge(bad, 1, 2, 1, bad, Role.BAD, True),), more=bad),
            Plot(bad, bad, 2.0, (curve,), table),
        ),
    )
    from hosttune.printable import cleaned

    text = str(format_module("Report", "html").write(cleaned(found)))
    page = Elements(text)
    alone(page, text)
    assert len(page.of("script")) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_the_limit_that_binds_is_said_and_the_scale_is_labelled() -> None:
    bars = (Bar("ports", 28_232, role=Role.BAD, knee=14_116), Bar("files", 90_000, role=Role.BAD), Bar("memory", 10**6))
    page = Elements(write(Bars("Limits", 200_000, bars, 200_000)))
    rows = [(a["class"], said) for tag, a, said in page.of("div") if a.get("class", "").startswith("row ")]
    assert "10k" in rows[0][1] and "100k" in rows[0][1] and "1M" in rows[0][1] and "target 200,000" in rows[0][1]
    assert "first" in rows[1][0] and rows[1][1] == "▶ ports28,232 stops hereslow above 14,116"
    assert [said for _, said in rows[2:]] == ["files90,000 short", "memory1,000,000"]


def test_a_number_lies_where_its_logarithm_does() -> None:
    made = scale.of_bars(Bars("", 1_000_000, (Bar("", 20_000),), 0))
    assert (made.low, made.high) == (4, 6)
    assert made.at(100_000) == pytest.approx(0.5) and made.at(1) == 0 and made.at(10**9) == 1
    assert [*made.ticks()] == [(0, "10k"), (0.5, "100k"), (1, "1M")]


def test_pools_fill_as_they_are_used_and_thousands_do_not_fill_the_page() -> None:
    many = tuple(pool(number % 250, number, f"10.0.{number // 250}.9") for number in range(2_000))
    text = render(report(pools=(pool(1, 28_232), *many)), "html")
    page = Elements(text)
    (chart,) = (said for _, a, said in page.of("div") if a.get("aria-label") == "Port pools")
    assert "28,232 of 28,232" in chart and "0 free now" in chart
    assert len(text) < 80_000


def test_hosts_are_a_table_with_all_of_them() -> None:
    fleet = plans.fleet()
    ready = dataclasses.replace(fleet.waiting[0], name="client-1", carries=64_512, problems=())
    page = Elements(render(dataclasses.replace(fleet, ready=(ready,)), "html"))
    rows = [said for _, _, said in page.of("tr")]
    (first,) = (row for row in rows if "client-1c" in row)
    assert first.startswith("ready") and "64,512" in first
    assert any(row.startswith("NOT READYclient-7") for row in rows)
    assert any(row.startswith("NO REPORTclient-24") for row in rows)
    assert [a["class"] for _, a, _ in page.of("table")].count("sortable") == 1


# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency (IEEE TVCG
# 15(6), 2009), the matrices for severity 1.0, which are of linear RGB
SIGHT = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
APART = 15.0
"""The least distance in CIE L*a*b* (1976); 2.3 is what can just be told apart side by side."""
VERDICTS = (Role.BAD, Role.DRIFT, Role.GOOD, Role.UNKNOWN)
LIGHT = {role: FILLS[role] for role in VERDICTS}
NIGHT = {role: DARK[FILLS[role]] for role in VERDICTS}
Triple = tuple[float, float, float]


def linear(colour: str) -> Triple:
    """Return a colour in linear light (IEC 61966-2-1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def lab(light: Triple) -> Triple:
    """Return CIE L*a*b* under D65."""
    rows = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    white = (0.95047, 1.0, 1.08883)
    parts = [sum(a * b for a, b in zip(row, light, strict=True)) / full for row, full in zip(rows, white, strict=True)]
    x, y, z = (part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116 for part in parts)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(colour: str, sight: str) -> Triple:
    """Return a colour in L*a*b*, as eyes see it that lack a kind of cones."""
    light = linear(colour)
    red, green, blue = (min(max(sum(a * b for a, b in zip(row, light, strict=True)), 0.0), 1.0) for row in SIGHT[sight])
    return lab((red, green, blue))


def distance(one: Triple, other: Triple) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, 1.4.3)."""
    lights = sorted(
        sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True)) for colour in (one, other)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("sight", [*SIGHT])
@pytest.mark.parametrize("palette", [LIGHT, NIGHT], ids=["light pages and pictures", "dark pages"])
def test_verdicts_differ_for_every_eye(palette: dict[Role, str], sight: str) -> None:
    near = {
        f"{one} {other}": round(distance(seen(palette[one], sight), seen(palette[other], sight)), 1)
        for one, other in itertools.combinations(palette, 2)
    }
    assert min(near.values()) >= APART, near


def test_the_colours_of_before_would_not_pass() -> None:
    assert distance(seen("#c6402f", "deuteranopia"), seen("#b3541e", "deuteranopia")) < APART


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_it_takes(dark: bool) -> None:
    inks = [INK, PALE, *FILLS.values()]
    shown = {(ink, back): (DARK[ink], DARK[back]) if dark else (ink, back) for ink in inks for back in (PAPER, BACK)}
    assert not {pair: round(contrast(*pair), 2) for pair in shown.values() if contrast(*pair) < 4.5}
