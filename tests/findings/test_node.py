"""Which network namespace is nearest to a limit: what is full first, what only slows after it, what is unknown last."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.findings.node import judged, severity
from hosttune.model import NetworkNamespace, Node, Reason, Severity, Unknown, Use
from hosttune.render import exit_codes
from tests.render.nodes import entries, node, pool, waiting
from tests.render.test_render_examples import MACHINE


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (pool(200), Severity.ERROR),
        (pool(201), Severity.ERROR),
        (pool(199), Severity.WARNING),
        (pool(100), Severity.WARNING),
        (pool(99), None),
        (pool(0, 0), None),
        (pool(1, 0), Severity.ERROR),
        (entries(1000), Severity.ERROR),
        (entries(900), Severity.WARNING),
        (entries(899), None),
        (entries(5, None), None),
        (waiting(4096), Severity.WARNING),
        (waiting(4095), None),
    ],
)
def test_how_bad_a_use_is(use: Use, expected: Severity | None) -> None:
    assert severity(use) is expected


def test_the_order() -> None:
    found = node().namespaces
    assert [each.names or each.process for each in found] == [("blue",), 920, 1, ("red",), None]
    assert [each.severity for each in found] == [Severity.ERROR, Severity.WARNING, None, None, None]
    # what is full comes before what is beyond its knee, though that is nearer to it
    slow = NetworkNamespace(7, uses=(Use("ports", "p", 90, 100, "ports", "", 10),))
    full = NetworkNamespace(8, uses=(entries(1000),))
    assert [each.inode for each in judged(Node(MACHINE, (slow, full))).namespaces] == [8, 7]


def test_of_one_namespace_too_what_is_full_is_the_nearest() -> None:
    (found,) = judged(Node(MACHINE, (NetworkNamespace(7, uses=(pool(190), entries(1000), waiting(1))),))).namespaces
    assert found.severity is Severity.ERROR and [use.kind for use in found.uses] == ["conntrack", "ports", "time-wait"]


def test_what_refuses_nothing_is_last_and_never_the_nearest_of_those_that_have_more() -> None:
    (found,) = judged(Node(MACHINE, (NetworkNamespace(7, uses=(waiting(4095), entries(1))),))).namespaces
    assert found.nearest == entries(1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 1),
        ({"namespaces": node().namespaces[1:]}, 0),
        ({"namespaces": node().namespaces[1:], "fail_on": Severity.WARNING}, 1),
        ({"namespaces": node().namespaces[2:], "fail_on": Severity.WARNING}, 0),
        ({"namespaces": node().namespaces[2:], "strict": True}, 3),
        ({"namespaces": node().namespaces[4:]}, 3),
        ({"namespaces": (), "unknown": Unknown(Reason.NOT_RECORDED, "network_namespaces probe")}, 3),
    ],
)
def test_the_exit_code(change: dict[str, object], code: int) -> None:
    assert exit_codes.node(dataclasses.replace(node(), **change)) == code  # type: ignore[arg-type]
