"""Properties of a printed diagnosis, on diagnoses that hypothesis builds; and what one looks like."""

from __future__ import annotations

import dataclasses
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
    Cause,
    Certainty,
    Conclusion,
    Diagnosis,
    Evidence,
    Fix,
    FixPlace,
    Listener,
    LogHit,
    Machine,
    PortPool,
    Program,
    Reason,
    Symptom,
    Unknown,
    Use,
)
from hosttune.render import render

_SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
_COUNT = st.integers(0, 10**19)
_TEXT = st.text(max_size=120)
_TEXTS = st.lists(_TEXT, max_size=3).map(tuple)
_EVIDENCE = st.lists(st.builds(Evidence, _TEXT, _TEXT, st.booleans()), max_size=3).map(tuple)
_FIX = st.builds(Fix, _TEXT) | st.builds(
    Fix, _TEXT, _TEXT.filter(bool), st.sampled_from([place for place in FixPlace if place is not FixPlace.ADVICE])
)


def _causes(*certainties: Certainty) -> st.SearchStrategy[tuple[Cause, ...]]:
    one = st.builds(
        Cause,
        st.from_regex(r"[a-z]{1,12}(-[a-z]{1,8})?", fullmatch=True),
        _TEXT,
        st.sampled_from(certainties),
        st.none() | _COUNT,
        unit=_TEXT,
        evidence=_EVIDENCE,
        against=_EVIDENCE,
        rivals=st.lists(_TEXT, max_size=2).map(tuple),
        log=_TEXT,
        fixes=st.lists(_FIX, max_size=3).map(tuple),
        confirm=_TEXT,
    )
    return st.lists(one, max_size=5).map(tuple)


_UNKNOWN = st.builds(Unknown, st.sampled_from(Reason), _TEXT)
_MACHINE = st.builds(Machine, conntrack=st.booleans() | _UNKNOWN, addresses=_TEXTS, local_routes=_TEXTS)
_HIT = st.builds(
    LogHit, _TEXT, _TEXTS, _TEXT, st.integers(1, 10**9), _TEXT, _TEXT, st.dictionaries(_TEXT, _COUNT, max_size=2)
)
_USE = st.builds(
    Use, _TEXT, _TEXT, _COUNT, st.none() | _COUNT | _UNKNOWN, st.sampled_from(("bytes", "ports")), _TEXT,
    st.none() | _COUNT,
)  # fmt: skip
_PORT = st.integers(0, 65535)
_COUNTS = {field.name: _PORT for field in dataclasses.fields(PortPool) if field.type == "int"}
_POOL = st.builds(
    PortPool,
    source=_TEXT,
    backend=st.builds(Backend, _TEXT, _PORT, _TEXT, _TEXTS),
    mode=st.sampled_from(BindMode),
    knee=st.none() | _PORT,
    notes=_TEXTS,
    **_COUNTS,
)
_LISTENER = st.builds(Listener, _TEXT, _PORT, _COUNT, _COUNT, _COUNT, _COUNT, st.none() | _COUNT, _COUNT, _COUNT)
_PROGRAM = st.builds(
    Program, _COUNT, _TEXT, _COUNT, _COUNT, st.none() | _COUNT, st.none() | _COUNT, _COUNT, _COUNT, _COUNT,
    st.none() | st.booleans(), st.none() | st.booleans(),
)  # fmt: skip
_HELD = (Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE)
_DIAGNOSES = st.builds(
    Diagnosis,
    machine=_MACHINE,
    symptom=st.builds(Symptom, _TEXT, _TEXT, st.none() | _COUNT, st.lists(_HIT, max_size=2).map(tuple)),
    seconds=st.floats(0, 1e6, allow_nan=False),
    conclusion=st.sampled_from(Conclusion),
    text=_TEXT,
    causes=_causes(*_HELD),
    excluded=_causes(Certainty.EXCLUDED),
    unknown=_causes(Certainty.UNKNOWN),
    uses=st.lists(_USE, max_size=3).map(tuple),
    pools=st.lists(_POOL, max_size=2).map(tuple),
    listeners=st.lists(_LISTENER, max_size=2).map(tuple),
    programs=st.lists(_PROGRAM, max_size=2).map(tuple),
    next=_TEXTS,
    notes=_TEXTS,
    missing=_TEXTS,
    command=_TEXT,
)


def _schema() -> Any:
    return json.loads((files("hosttune.render") / "diagnosis.schema.json").read_text("utf-8"))


def _unsafe(text: str) -> set[str]:
    return {c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000)}


@pytest.mark.parametrize("format", ["table", "json"])
@pytest.mark.parametrize("verbose", [False, True])
@_SETTINGS
@given(found=_DIAGNOSES)
def test_no_control_character_gets_through(format: str, verbose: bool, found: Diagnosis) -> None:
    text = render(found, format, verbose=verbose)
    assert not _unsafe(text)
    assert text.endswith("\n")


@pytest.mark.parametrize("verbose", [False, True])
@_SETTINGS
@given(found=_DIAGNOSES, width=st.integers(60, 200), unicode=st.booleans())
def test_no_line_is_wider_than_the_terminal(verbose: bool, found: Diagnosis, width: int, unicode: bool) -> None:
    text = render(found, "table", verbose=verbose, width=width, unicode=unicode)
    assert max(map(len, text.split("\n"))) <= width


@_SETTINGS
@given(found=_DIAGNOSES)
def test_colour_adds_nothing_but_escapes(found: Diagnosis) -> None:
    painted = re.sub(r"\x1b\[[0-9;]*m", "", render(found, "table", color=True))
    assert painted.rstrip("\n") == render(found, "table").rstrip("\n")


@_SETTINGS
@given(found=_DIAGNOSES)
def test_json_holds_to_its_schema(found: Diagnosis) -> None:
    text = render(found, "json")
    jsonschema.Draft202012Validator(_schema()).validate(json.loads(text))


def test_every_object_of_the_schema_is_closed() -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "properties" in node:
                assert node.get("additionalProperties") is False, sorted(node["properties"])
                assert node["required"] == sorted(node["properties"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    jsonschema.Draft202012Validator.check_schema(_schema())
    walk(_schema())


def _diagnosis(conclusion: Conclusion, *causes: Cause, **rest: Any) -> Diagnosis:
    machine = Machine(
        hostname="lb1",
        distribution="debian",
        version="12",
        pretty="Debian 12",
        kernel="6.1.0",
        cpus=4,
        memory=2**33,
        memory_available=2**32,
        virtualisation="",
        cloud="",
        container="",
        conntrack=False,
        systemd=True,
        root_user=True,
        network_namespace="initial",
    )
    return Diagnosis(machine, Symptom(), 0.3, conclusion, "the text", causes, **rest)


_NOFILE = Cause("nofile", "descriptors run out", Certainty.EXCLUDED, evidence=(Evidence("17 of 1,024", "/proc/7"),))
_PORTS = Cause(
    "ports",
    "source ports from 10.0.0.9 to 10.0.0.11:1883 run out",
    Certainty.CERTAIN,
    28_232,
    evidence=(Evidence("0 of 28,232 ports are free", "sock_diag"), Evidence("connect() failed", "--errno")),
    against=(Evidence("it is another time"),),
    rivals=("nofile",),
    log="EADDRNOTAVAIL from connect()",
    fixes=(
        Fix("a wider range", "sudo hosttune apply --key net.ipv4.ip_local_port_range='1024 65535'", FixPlace.HOST),
        Fix("more source addresses"),
    ),
)


def test_the_answer_comes_first_and_each_part_beside_its_name() -> None:
    calm = dataclasses.replace(_NOFILE, kind="knee", evidence=(Evidence("below half"),))
    text = render(_diagnosis(Conclusion.CAUSE, _PORTS, excluded=(calm, _NOFILE)), "table", width=80)
    assert text.split("\n") == [
        "lb1 · Debian 12 · Linux 6.1.0 · watched for 0.3 s",
        "",
        "  Cause (certain): source ports from 10.0.0.9 to 10.0.0.11:1883 run out, at",
        "    28,232 connections",
        "  evidence  0 of 28,232 ports are free (sock_diag)",
        "            connect() failed (--errno)",
        "  against   it is another time",
        "  fix       a wider range (on the host):",
        "            sudo hosttune apply --key net.ipv4.ip_local_port_range='1024 65535'",
        "            more source addresses",
        "",
        "  ruled out: nofile, and 1 other (-v)",
        "",
    ]


def test_what_is_only_possible_stands_below_that_it_is_not_enough() -> None:
    maybe = dataclasses.replace(_PORTS, certainty=Certainty.POSSIBLE, confirm="the errno", against=())
    found = _diagnosis(Conclusion.NOT_ENOUGH, maybe, next=("the errno", "the number"))
    found = dataclasses.replace(found, text=f"Not enough evidence: it may be that {maybe.what}")
    text = render(found, "table")
    lines = text.split("\n")
    assert lines[2] == "  Not enough evidence; it may be one of these:"
    assert lines[4].startswith("  Cause (possible): source ports")
    assert text.count("the errno") == 1
    assert text.count(maybe.what) == 1
    more = dataclasses.replace(found, text=f"Not enough evidence: 9 SYNs wait; it may be that {maybe.what}")
    lines = render(more, "table").split("\n")
    assert lines[2] == "  Not enough evidence: 9 SYNs wait; it may be one of these:"


def test_others_of_one_reason_are_told_together_and_where_only_with_v() -> None:
    ports = dataclasses.replace(_NOFILE, kind="ports", evidence=(Evidence("17 of 1,024", "sock_diag"),))
    found = _diagnosis(Conclusion.NOTHING, excluded=(_NOFILE, ports))
    assert "  ruled out: 2 causes (-v)\n" in render(found, "table")
    told = render(found, "table", verbose=True)
    assert "  ruled out:\n    nofile: 17 of 1,024 (/proc/7)\n    ports: 17 of 1,024 (sock_diag)\n" in told


def test_more_than_three_causes_take_v() -> None:
    found = _diagnosis(Conclusion.CAUSE, *[dataclasses.replace(_PORTS, what=f"pool {n} is full") for n in range(5)])
    assert "  2 more with -v\n" in render(found, "table")
    assert "  Also (certain): pool 2 is full" in render(found, "table")
    assert "  Also (certain): pool 4 is full" in render(found, "table", verbose=True)


def test_what_is_only_possible_beside_a_cause_is_one_line_without_v() -> None:
    maybe = dataclasses.replace(_PORTS, certainty=Certainty.POSSIBLE, what="another", fixes=(Fix("fix that"),))
    found = _diagnosis(Conclusion.CAUSE, _PORTS, maybe)
    assert "  Also (possible): another, at 28,232 connections\n" in render(found, "table")
    assert "fix that" not in render(found, "table")
    assert "fix that" in render(found, "table", verbose=True)


def test_each_line_of_a_file_is_one_that_can_be_pasted() -> None:
    fix = Fix("lower it", "ulimits:\n  nofile: {soft: 65536, \x1b[31mhard: 65536}", FixPlace.COMPOSE)
    text = render(_diagnosis(Conclusion.CAUSE, dataclasses.replace(_PORTS, fixes=(fix,))), "table")
    rows = [line.strip() for line in text.split("\n")]
    assert "ulimits:" in rows and any(row.startswith("nofile: {soft: 65536") for row in rows)
    assert "\x1b" not in text
