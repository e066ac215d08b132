"""A plan and a fleet in each format, against golden files that a person has reviewed.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/render` rewrites them; read the difference before it is committed.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosttune.model import BindMode, Fleet, HostState, Leg, Reason, Sizing, Tier, Unknown
from hosttune.render import render
from tests.render import plans


def shown(noun: Sizing | Fleet, **how: Any) -> str:
    return render(noun, "table", **how)


def commanded(sizing: Sizing, command: str) -> Sizing:
    return dataclasses.replace(sizing, command=command)


GOLDEN = Path(__file__).with_name("golden")
CASES: dict[str, Callable[[], str]] = {
    "plan-paper.txt": lambda: shown(plans.paper()),
    "plan-paper-narrow.txt": lambda: shown(plans.paper(), width=60, unicode=False),
    "plan-one-source.txt": lambda: shown(plans.paper(1, 1), width=100),
    "plan-one-source-verbose.txt": lambda: shown(plans.paper(1, 1), verbose=True),
    "plan-fan.txt": lambda: shown(plans.fan(), width=120),
    "plan-solved.txt": lambda: shown(commanded(plans.solved(), "hosttune plan paper.toml --set lb.cores=8")),
    "plan-one-source.md": lambda: render(plans.paper(1, 1), "markdown"),
    "plan-fan.md": lambda: render(plans.fan(), "markdown"),
    "plan-paper.svg": lambda: render(plans.paper(), "svg"),
    "plan-fan.svg": lambda: render(plans.fan(), "svg"),
    "fleet.txt": lambda: shown(plans.fleet()),
}


@pytest.mark.parametrize("name", CASES)
def test_it_says_what_was_reviewed(name: str) -> None:
    made, golden = CASES[name](), GOLDEN / name
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        golden.write_text(made, encoding="utf-8")
    kept = golden.read_text(encoding="utf-8")
    told = "\n".join(difflib.unified_diff(kept.splitlines(), made.splitlines(), name, "now", lineterm=""))
    assert made == kept, told


def schema(name: str) -> Any:
    found = json.loads((files("hosttune.render") / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@pytest.mark.parametrize("made", [plans.paper, plans.fan, plans.solved], ids=lambda made: made.__name__)
def test_a_plan_holds_to_its_schema(made: Callable[[], Sizing]) -> None:
    found = json.loads(render(made(), "json"))
    jsonschema.validate(found, schema("plan"))
    assert found["schema"] == "hosttune/plan/1"


def test_a_fleet_holds_to_its_schema() -> None:
    found = json.loads(render(plans.fleet(), "json"))
    jsonschema.validate(found, schema("fleet"))
    assert found["schema"] == "hosttune/fleet/1"


def test_fractions_sets_and_kinds_are_plain() -> None:
    found = json.loads(render(plans.fan(), "json"))
    assert found["topology"]["headroom"] == 0.1
    assert [plan["factor"] for plan in found["tiers"][1:3]] == [0.6, 1]
    assert found["unknown"] == [["broker", "memory", {"unknown": "UNDECIDED", "detail": plans.MEMORY.detail}]]
    solved = json.loads(render(plans.solved(), "json"))
    assert solved["tiers"][1]["tier"]["open"] == ["memory", "sources"]
    assert solved["tiers"][0]["hops"][0]["mode"] == "bind"


def first(sizing: Sizing) -> str:
    """Return the answer and its facts: the second paragraph."""
    lines = shown(sizing, width=200).split("\n\n")[1].splitlines()
    return "\n".join(" ".join(line.split()) for line in lines if not line.startswith("  next "))


def one(hard: int | Unknown, knee: int | None = None, **more: object) -> Sizing:
    """Return a plan of one tier for 1,000 connections that has one bound."""
    bounds = plans.bound("ports:x", "ports x", hard, knee)
    tier = Tier("edge", "client", (), hosts=1)
    options = dataclasses.replace(plans.PAPER, tiers=(tier,), connections=1000, **more)  # type: ignore[arg-type]
    return plans.sizing(options, (plans.plan(tier, 1000, 10, bounds),))


def carried(sizing: Sizing) -> Sizing:
    return dataclasses.replace(sizing, carried=True)


LOAD = "1,000 connections, 1,000/s"
ANSWERS = {
    f"NOT READY for {LOAD}\nlimit 999 connections: edge: ports x": one(999),
    f"NOT READY for {LOAD}\nlimit 999 connections: edge: ports x\nslow above 10 connections: edge: ports x": one(
        999, 10
    ),
    f"SLOW for {LOAD}\nslow above 999 connections: edge: ports x\nlimit 5,000 connections: edge: ports x": one(
        5000, 999
    ),
    f"READY for {LOAD}\nlimit 1,000 connections: edge: ports x": carried(one(1000, 1000)),
    f"READY for {LOAD}\nlimit 5,000 connections: edge: ports x\nslow above 999 connections: edge: ports x": carried(
        one(5000, 999, below_knee=False)
    ),
    f"NOT READY for {LOAD} with its headroom\n"
    "limit 1,110 connections: edge: ports x, of which 999 with 10 % left free": one(1110, headroom=Fraction(1, 10)),
    f"READY for {LOAD}\nlimit 1,112 connections: edge: ports x": carried(one(1112, headroom=Fraction(1, 10))),
    f"UNKNOWN whether ready for {LOAD}: 1 limit unknown": one(Unknown(Reason.UNDECIDED)),
}


@pytest.mark.parametrize("said", ANSWERS)
def test_the_answer_comes_first(said: str) -> None:
    assert first(ANSWERS[said]) == said


def test_a_rate_that_is_too_high_is_no_carrying() -> None:
    slow = plans.bound("churn:x", "TIME_WAIT, x", 5, unit="connections/s")
    made = dataclasses.replace(one(5000), rates=(("edge", slow),))
    said = "rate edge: TIME_WAIT, x: 5 new connections/s of 10 a host"
    assert first(made).startswith(f"TOO SLOW for {LOAD}\n{said}")


def test_a_rate_without_its_headroom_is_no_carrying() -> None:
    tight = plans.bound("churn:x", "TIME_WAIT, x", 11, unit="connections/s")
    made = one(5000, headroom=Fraction(1, 10))
    plan = dataclasses.replace(made.tiers[0], bounds=(*made.tiers[0].bounds, tight))
    said = "limit edge: TIME_WAIT, x: 11 new connections/s a host, of which 10 % must stay free, do for 9 of 10"
    assert first(dataclasses.replace(made, tiers=(plan,))).startswith(f"NOT READY for {LOAD} with its headroom\n{said}")


def test_what_is_assumed_and_warned_of_is_said_once() -> None:
    made = plans.fan()
    warned = dataclasses.replace(made, warnings=("devices: taken to bind first",))
    assert shown(made, width=200).count("taken to bind first") == 1
    assert shown(warned, width=200).count("taken to bind first") == 1


def test_the_next_command_takes_up_the_one_that_was_given() -> None:
    given = "hosttune plan paper.toml --set lb.sources=1"
    assert f"{given} --set 'lb.sources=?'" in shown(commanded(plans.paper(1, 1), given), width=200)
    opened = plans.solved()
    text = shown(commanded(dataclasses.replace(opened, solved=False, carried=False), given), width=200)
    assert f"{given} --solve" in text  # what is to be found is in the file
    text = shown(commanded(plans.solved(), f"{given} --solve"), width=200)
    assert f"{given} --solve --emit DIR" in text and "--solve --solve" not in text
    assert "hosttune check --profile DIR/profiles/broker-1.toml" in text
    hostile = dataclasses.replace(plans.PAPER, origin="a'; reboot '.toml", tiers=())
    text = shown(dataclasses.replace(one(5), topology=hostile), width=200)
    assert "hosttune plan 'a'\"'\"'; reboot '\"'\"'.toml' --set" in text


@pytest.mark.parametrize(("mode", "number"), [(BindMode.NO_PORT, "sources"), (BindMode.CONNECT, "hosts")])
def test_what_is_too_narrow_is_opened(mode: BindMode, number: str) -> None:
    """More source addresses help a program that binds to them, and no other."""
    made = plans.paper(1, 1)
    tiers = [dataclasses.replace(p, hops=tuple(dataclasses.replace(h, mode=mode) for h in p.hops)) for p in made.tiers]
    text = shown(dataclasses.replace(made, tiers=tuple(tiers)), width=200)
    assert f"--set 'lb.{number}=?'" in text and "--solve" in text


def test_a_number_that_is_not_found_yet_is_a_question_mark() -> None:
    tier = dataclasses.replace(plans.LB, hosts=None, open=frozenset({"hosts"}), to=())
    options = dataclasses.replace(plans.PAPER, tiers=(tier,))
    text = shown(plans.sizing(options, (plans.plan(tier, 10, 1),)))
    assert "lb ? hosts x 10" in text


def test_two_that_dial_the_same_tier_name_its_figures_once() -> None:
    ways = shown(plans.fan(), width=200).split("\n\n")[2].splitlines()
    assert ways == [
        "  devices 12 hosts x 33,334 -> lb 2 hosts (1 spare) x 1,000,000 -> broker 6 hosts x 111,112 + edge 3 hosts x "
        "111,112",
        "  phones 6 hosts x 100,000 -> lb and 2 each to store 2 hosts x 600,000",
    ]


def many(count: int) -> Fleet:
    waiting = tuple(
        HostState(f"client-{n}", "client", f"r/{n}.json", 5, problems=("nofile is 1,024",)) for n in range(count)
    )
    missing, unplaced = (tuple(f"{kind}-{n}" for n in range(count)) for kind in ("gone", "file"))
    return dataclasses.replace(plans.fleet(), waiting=waiting, missing=missing, unplaced=unplaced)


def test_a_large_fleet_is_said_on_a_screen_and_in_full_when_asked() -> None:
    short, long = shown(many(10_000)), shown(many(10_000), verbose=True)
    assert short.count("\n") < 60
    assert "and 9,988 more that are not ready" in short and "and 9,980 more" in short
    assert "and 9,994 more reports left out" in short
    assert all(name in long for name in ("client-9999", "gone-9999", "file-9999"))


def test_a_fleet_that_is_ready_says_so() -> None:
    tiers = tuple(dataclasses.replace(tier, found=tier.wanted, ready=tier.wanted) for tier in plans.fleet().tiers)
    made = dataclasses.replace(
        plans.fleet(), tiers=tiers, waiting=(), missing=(), unplaced=(), reaches=1_200_000, narrowest="broker-1"
    )
    text = shown(made)
    assert "  READY for 1,000,000 connections: limit today 1,200,000: broker-1" in text
    assert "31 of 31 hosts are ready" in text and "NOT READY" not in text and "fix" not in text


def test_an_arrow_over_a_column_goes_below_the_boxes() -> None:
    tiers = [Tier("a", "client", (Leg(("b",)), Leg(("c",))), hosts=1), Tier("b", "lb", (Leg(("c",)),), hosts=1)]
    tiers.append(Tier("c", "broker", hosts=1))
    options = dataclasses.replace(plans.PAPER, tiers=tuple(tiers))
    text = render(plans.sizing(options, tuple(plans.plan(t, 10, 1) for t in tiers)), "svg")
    assert text.count("V") == 2  # down to below the boxes, up again
