"""Thousands of backends: equal ones are a row, series and tests are few, JSON has each."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hosttune.model import Backend, BindMode, Bound, Capacity, PortPool, Reason, Remedy, Report, Scope, Unknown
from hosttune.render import folding, render
from hosttune.render.figures import hard_bounds
from hosttune.render.page import MOST
from tests.render.test_render_examples import report

PEOPLE = ("table", "markdown", "html", "svg")


def address(number: int) -> str:
    return f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def ports(number: int, hard: int | Unknown | None = 28_232, used: int = 0, **more: object) -> Bound:
    of = f"{address(number)}:80"
    reads = "28,232 ports from 1 source address"
    made = Bound("ports", f"ports {of}", hard, 14_116, used, reads, "EADDRNOTAVAIL", scope=Scope.BACKEND, of=of)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def pool(number: int, used: int = 0) -> PortPool:
    free = 28_232 - used
    mode = BindMode.NO_PORT
    backend = Backend(address(number), 80)
    return PortPool("10.9.9.9", backend, mode, 32768, 60999, 28_232, 0, 0, 28_232, used, 0, 0, free, free, 14_116)


def many(count: int) -> Report:
    total = Bound("ports", "source ports towards all backends", 28_232 * count, scope=Scope.ALL)
    pools = tuple(pool(number, number % 7) for number in range(count))
    return report(bounds=(total, *(ports(n, used=n % 7) for n in range(count))), pools=pools)


@pytest.mark.parametrize("format", PEOPLE)
@pytest.mark.parametrize("verbose", [False, True])
def test_a_thousand_equal_backends_take_no_more_room_than_two(format: str, verbose: bool) -> None:
    for noun in (lambda count: many(count), lambda count: Capacity(many(count))):
        two, thousand = (render(noun(count), format, verbose=verbose) for count in (2, 1000))
        assert len(thousand.splitlines()) <= len(two.splitlines()) + 3
        assert "1,000 backends" in thousand
        assert "28,232" in thousand


def test_a_row_of_several_says_how_many_and_how_full() -> None:
    text = render(Capacity(many(1000)), "table", width=200)
    assert "ports of 1,000 backends" in text
    named = "each 28,232 ports from 1 source address: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80 and 997 more"
    assert named in text
    assert "6 in use" in text
    assert "0 to 6 established" in render(many(1000), "table", verbose=True, width=200)


def test_few_have_a_row_each() -> None:
    text = render(Capacity(many(folding.LEAST - 1)), "table")
    assert [text.count(f"\n  ports {address(n)}:80 ") for n in range(folding.LEAST)] == [1, 1, 1, 0]


def test_what_differs_is_not_joined_and_is_cut_where_it_is_much() -> None:
    two = folding.folded(report(bounds=tuple(ports(n, 100 + n % 2) for n in range(1000))), pools=False)
    assert [(b.name, b.hard) for b in two.bounds] == [("ports of 500 backends", 100), ("ports of 500 backends", 101)]
    each = folding.folded(report(bounds=tuple(ports(n, 100 + n) for n in range(1000))), pools=False)
    *rows, rest = each.bounds
    assert [bound.hard for bound in rows] == [*range(100, 100 + len(rows))]
    assert len(rows) < 50
    assert rest.name == f"ports of {1000 - len(rows):,} more backends"
    assert f"{100 + len(rows):,} to 1,099" in rest.notes[0]


def test_another_remedy_or_state_is_another_row() -> None:
    raised = [(Remedy("sources", number % 2, None, "source addresses", "x"),) for number in range(20)]
    rows = tuple(ports(number, remedies=remedies) for number, remedies in enumerate(raised))
    unknown = tuple(ports(number, Unknown(Reason.UNDECIDED, "a hash")) for number in range(20, 40))
    made = folding.folded(report(bounds=(*rows, *unknown)), pools=False)
    assert [bound.name for bound in made.bounds] == [
        "ports of 10 backends",
        "ports of 10 backends",
        "ports of 20 backends",
    ]


def test_limits_with_a_file_and_a_line_of_their_own_are_one_row() -> None:
    bounds = []
    for number in range(100):
        remedy = Remedy(f"maxconn:listen l{number}", 5000, None, "connections", f"maxconn 5000 (a.cfg:{number})")
        of = f"listen l{number}"
        bounds.append(
            Bound("maxconn", f"maxconn of {of}", 100, remedies=(remedy,), reads="x", scope=Scope.LISTENER, of=of)
        )
    (one,) = folding.folded(report(bounds=tuple(bounds)), pools=False).bounds
    assert one.name == "maxconn of 100 listeners"
    assert one.raised_by == "maxconn 5000 (a.cfg:0), and the same 99 times"


def test_the_sum_of_sections_is_no_bound_of_one() -> None:
    """One row of many sections and the sum of all of them are not the same bound twice."""
    names = [f"listen l{number}" for number in range(9)]
    sections = tuple(ports(0, scope=Scope.SECTION, of=name, name=f"ports {name}") for name in names)
    total = Bound("ports", "source ports towards all backends", 28_232 * 9, scope=Scope.ALL)
    made = folding.folded(report(bounds=(*sections, total)), pools=False)
    assert [number for number, _ in hard_bounds(made)] == [28_232, 28_232 * 9]


def test_remarks_of_a_kind_are_three_and_a_number() -> None:
    lines = [f"a.cfg:{n}: server s{n}: no route to 10.0.0.{n}" for n in range(1000)]
    texts = folding.texts(["PID 1 is not systemd", *lines])
    assert texts == ("PID 1 is not systemd", *lines[:3], "... and 997 more like it")
    words = [f"{chr(97 + a)}{chr(97 + b)} is not read" for a in range(20) for b in range(20)]
    assert len(folding.texts(words)) < 50
    assert folding.texts(words)[-1].startswith("... and ")
    assert "... and 997 more like it" in render(report(warnings=tuple(lines)), "table")


def test_series_and_tests_are_bounded_and_say_what_they_stand_for() -> None:
    for count in (MOST + 1, 3_000):
        noun = many(count)
        text = render(noun, "prometheus")
        assert len(text.splitlines()) < 100
        assert 'hosttune_capacity_connections{bound="ports:backends"} 28232' in text
        assert f'hosttune_capacity_folded{{kind="ports",scope="backend"}} {count}' in text
        assert (
            'hosttune_port_pool_used{bind_mode="no-port",destination="fullest",source="10.9.9.9",verb="check"} 6'
            in text
        )
        assert f'hosttune_port_pools_folded{{verb="check"}} {count - 1}' in text
        assert render(noun, "junit").count("<testcase") < 10
        assert "capacity: ports:backends" in render(noun, "tap")
        assert len(render(noun, "nagios")) < 2000
    assert render(many(MOST), "prometheus").count('bound="ports:10.') == 3 * MOST
    assert "folded{" not in render(many(MOST), "prometheus")


def test_the_narrowest_stands_for_all_and_the_unknown_for_themselves() -> None:
    unknown = Unknown(Reason.UNDECIDED, "x")
    bounds = [*(ports(n, 500 + n) for n in range(200)), *(ports(n, unknown) for n in range(200, 300))]
    made = folding.few(report(bounds=tuple(reversed(bounds))))
    assert [(b.id, b.hard if isinstance(b.hard, int) else "?") for b in made.bounds] == [
        ("ports:backends", 500),
        ("ports:backends-unknown", "?"),
    ]
    assert "the narrowest of 200 backends" in made.bounds[0].name


def test_full_pools_are_named_a_few_for_nagios() -> None:
    line = render(report(bounds=tuple(ports(n, used=28_232) for n in range(3_000))), "nagios")
    assert line.count("full now") == 5
    assert "and 2,995 more that are full or slow" in line
    assert line.startswith("HOSTTUNE CRITICAL")


def test_json_has_each() -> None:
    document = json.loads(render(many(1000), "json"))
    assert len(document["bounds"]) == 1001
    assert len(document["pools"]) == 1000
