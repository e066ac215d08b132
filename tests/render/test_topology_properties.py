"""Properties of a plan's formats, on plans that hypothesis builds: total, within the width, valid, nothing escapes."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from importlib.resources import files

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.model import (
    BindMode,
    Bound,
    Fleet,
    FleetTier,
    Hop,
    HostState,
    Leg,
    Reason,
    Setting,
    Sizing,
    Tier,
    TierPlan,
    Topology,
    Unknown,
)
from hosttune.render import render
from tests.render import plans

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
COUNT = st.integers(0, 10**12)
TEXT = st.text(max_size=60) | st.sampled_from(
    ("a|b", "</svg><script>", "`x`", "[x](y)", "\x1b[31m", "\n# x", "&amp;", "\ufffe", "**x**", "\ud800")
)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
UNKNOWN = st.builds(Unknown, st.sampled_from(Reason), TEXT)
BOUND = st.builds(
    Bound, kind=TEXT, name=TEXT, hard=COUNT | st.none() | UNKNOWN, knee=COUNT | st.none(), used=st.none(), reads=TEXT,
    fails=TEXT, notes=TEXTS, log=TEXT, counter=TEXT,
)  # fmt: skip
SETTING = st.builds(Setting, TEXT, COUNT | TEXT | st.tuples(COUNT, COUNT), TEXT | st.just("bytes"), TEXT)
SHAPES = {"svg", "title", "desc", "g", "rect", "line", "path", "text", "tspan"}
SPACE = "{http://www.w3.org/2000/svg}"


@st.composite
def sizings(draw: st.DrawFn) -> Sizing:
    """Return a plan whose tiers lead only to later ones; all names may be hostile."""
    names = draw(st.lists(TEXT, min_size=1, max_size=5, unique=True))
    made: list[TierPlan] = []
    for number, name in enumerate(names):
        later = names[number + 1 :]
        ends = draw(st.lists(st.sampled_from(later), max_size=3, unique=True)) if later else []
        legs = (Leg(tuple(ends), draw(st.integers(1, 3))),) if ends and draw(st.booleans()) else ()
        legs = legs or tuple(Leg((end,)) for end in ends)
        tier = Tier(
            name, draw(TEXT), legs, draw(TEXT), draw(COUNT | st.none()), spare=draw(st.integers(0, 3)),
            memory=draw(COUNT | st.none()), open=draw(st.frozensets(st.sampled_from(("hosts", "sources", "memory")))),
        )  # fmt: skip
        hops = tuple(draw(hop(name, leg)) for leg in legs)
        made.append(
            plans.plan(
                tier, draw(COUNT), draw(COUNT), *draw(st.lists(BOUND, max_size=7)), hops=hops, notes=draw(TEXTS),
                settings=tuple(draw(st.lists(SETTING, max_size=3))), alone=draw(COUNT | st.none()),
                factor=draw(st.fractions(0, 5)),
            )
        )  # fmt: skip
    options = Topology(
        draw(TEXT), draw(st.integers(1, 10**9)), draw(COUNT), tuple(p.tier for p in made), draw(COUNT),
        draw(st.fractions(0, Fraction(9, 10))), draw(st.booleans()), title=draw(TEXT), origin=draw(TEXT),
    )  # fmt: skip
    rates = tuple((name, draw(BOUND)) for name in draw(st.lists(st.sampled_from(names), max_size=3)))
    return plans.sizing(
        options, tuple(made), rates=rates, clouds=draw(TEXTS), warnings=draw(TEXTS), carried=draw(st.booleans()),
        solved=draw(st.booleans()),
    )  # fmt: skip


def hop(tier: str, leg: Leg) -> st.SearchStrategy[Hop]:
    return st.builds(
        Hop, st.just(tier), st.just(leg.tiers), COUNT, backends=st.integers(0, 99), mode=st.sampled_from(BindMode),
        low=st.integers(0, 65535), high=st.integers(0, 65535), sources=st.integers(0, 99), pairs=st.integers(0, 9999),
        ports=st.integers(0, 65536), knee=st.none() | COUNT, each=COUNT,
    )  # fmt: skip


def safe(text: str) -> bool:
    return not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)


@SETTINGS
@given(sizings(), st.integers(60, 120), st.booleans(), st.booleans())
def test_any_plan_fits_its_width(sizing: Sizing, width: int, verbose: bool, unicode: bool) -> None:
    text = render(sizing, "table", width=width, verbose=verbose, unicode=unicode)
    assert max(map(len, text.splitlines())) <= width
    assert safe(text)


@SETTINGS
@given(sizings())
def test_any_plan_holds_to_its_schema(sizing: Sizing) -> None:
    schema = json.loads((files("hosttune.render") / "plan.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(render(sizing, "json")), schema)


@SETTINGS
@given(sizings())
def test_no_name_breaks_a_table_of_markdown(sizing: Sizing) -> None:
    text = render(sizing, "markdown")
    assert safe(text)
    columns = 0
    for line in text.split("\n"):
        cells = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
        assert not (cells and columns) or cells == columns, line
        columns = cells
        # markup that is not ours is escaped; a command is code, where nothing is markup
        assert "<" not in line or "`" in line, line
    headings = [line for line in text.split("\n") if line.startswith("#")]
    known = ("Tiers", "Places", "Hops", "What a host needs")
    assert all(h.removeprefix("## ").startswith(known) for h in headings[1:])


@SETTINGS
@given(sizings())
def test_any_plan_is_a_picture(sizing: Sizing) -> None:
    root = ElementTree.fromstring(render(sizing, "svg"))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert {node.tag.removeprefix(SPACE) for node in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "g",
        "rect",
        "line",
        "path",
        "text",
        "tspan",
    }
    for rect in root.iter(f"{SPACE}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x >= 0 and x + float(rect.attrib["width"]) <= width and y + float(rect.attrib["height"]) <= height
    for node in root.iter(f"{SPACE}text"):
        assert 0 <= float(node.attrib["x"]) <= width and 0 <= float(node.attrib["y"]) <= height
    words = [node.text or "" for node in root.iter(f"{SPACE}text")]
    assert ("bottleneck" in words) == any(word.startswith("▶ ") for word in words)


STATE = st.builds(HostState, TEXT, TEXT, TEXT, COUNT | st.none(), TEXT, COUNT, COUNT, TEXTS)
FLEET_TIER = st.builds(FleetTier, TEXT, COUNT, COUNT, COUNT, COUNT | st.none(), COUNT | st.none(), TEXT)
FLEET = st.builds(
    Fleet, st.just(plans.paper()), st.lists(FLEET_TIER, max_size=3).map(tuple), st.lists(STATE, max_size=20).map(tuple),
    TEXTS, TEXTS, COUNT | st.none(), TEXT, COUNT,
)  # fmt: skip


@SETTINGS
@given(FLEET, st.integers(60, 120), st.booleans())
def test_any_fleet_can_be_said(fleet: Fleet, width: int, verbose: bool) -> None:
    text = render(fleet, "table", width=width, verbose=verbose)
    assert max(map(len, text.splitlines())) <= width
    assert safe(text)
    schema = json.loads((files("hosttune.render") / "fleet.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(render(fleet, "json")), schema)
