"""Properties of every renderer, on reports that hypothesis builds: total, safe to print, within the width, valid."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.model import (
    Backend,
    BindMode,
    Bound,
    Origin,
    PortPool,
    Reason,
    Remedy,
    Report,
    Subject,
    Unknown,
    Workload,
)
from hosttune.render import formats_of, render

pytestmark = pytest.mark.slow  # many reports, each in every format

_SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
_COUNT = st.integers(0, 10**12)  # the command line takes at most 10**9 connections
_PORTS = st.integers(0, 65536)
_TEXTS = st.lists(st.text(max_size=200), max_size=3).map(tuple)
st.register_type_strategy(Workload, st.builds(Workload, connections=_COUNT, rate=_COUNT))
_NEEDS = st.builds(Remedy, value=_COUNT | st.tuples(_COUNT, _COUNT), text=st.text(max_size=200))
st.register_type_strategy(
    Bound,
    st.builds(
        Bound,
        hard=st.none() | _COUNT | st.builds(Unknown, st.sampled_from(Reason), st.text(max_size=200)),
        knee=st.none() | _COUNT,
        used=st.none() | _COUNT,
        name=st.text(max_size=200),
        remedies=st.lists(_NEEDS, max_size=3).map(tuple),
        unit=st.sampled_from(("connections", "connections/s")),
    ),
)
st.register_type_strategy(Backend, st.builds(Backend, port=_PORTS))
_POOL_COUNTS = [
    *("low", "high", "in_range", "reserved", "blocked", "usable"),
    *("established", "time_wait", "other", "free", "free_most"),
]
_WORD = st.from_regex(r"[a-z]+", fullmatch=True)
st.register_type_strategy(Subject, st.builds(Subject, _WORD, st.text(min_size=1, max_size=200)))
st.register_type_strategy(Origin, st.builds(Origin, line=st.integers(1, 10**6)))
st.register_type_strategy(
    PortPool,
    st.builds(PortPool, mode=st.sampled_from(BindMode), knee=st.none() | _PORTS, **dict.fromkeys(_POOL_COUNTS, _PORTS)),
)
_REPORTS = st.builds(Report, warnings=_TEXTS, missing=_TEXTS, command=st.text(max_size=300))
_FORMATS = formats_of(Report)


def _schema() -> Any:
    return json.loads((files("hosttune.render") / "report.schema.json").read_text("utf-8"))


def _unsafe(text: str) -> set[str]:
    return {c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000)}


@pytest.mark.parametrize("name", _FORMATS)
@pytest.mark.parametrize("verbose", [False, True])
@_SETTINGS
@given(report=_REPORTS)
def test_no_control_character_gets_through(name: str, verbose: bool, report: Report) -> None:
    text = render(report, name, verbose=verbose)
    assert not _unsafe(text)
    assert text.endswith("\n")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("verbose", [False, True])
@_SETTINGS
@given(report=_REPORTS)
def test_no_line_is_wider_than_the_terminal(width: int, verbose: bool, report: Report) -> None:
    text = render(report, "table", verbose=verbose, width=width)
    assert max(map(len, text.split("\n"))) <= width


@_SETTINGS
@given(report=_REPORTS)
def test_colour_adds_nothing_but_escapes(report: Report) -> None:
    painted = re.sub(r"\x1b\[[0-9;]*m", "", render(report, "table", color=True))
    assert painted == render(report, "table")


@_SETTINGS
@given(report=_REPORTS)
def test_json_holds_to_its_schema(report: Report) -> None:
    text = render(report, "json")
    jsonschema.Draft202012Validator(_schema()).validate(json.loads(text))


def test_every_object_of_the_schema_is_closed() -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "properties" in node:
                assert node.get("additionalProperties") is False, sorted(node["properties"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    jsonschema.Draft202012Validator.check_schema(_schema())
    walk(_schema())
