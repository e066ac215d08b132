"""Whose full table the kernel writes of: this namespace's only where the line, or where we are, says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hosttune.diagnosis import Clues, diagnose, table
from hosttune.diagnosis.table import State
from tests.diagnosis.given import MACHINE, clues, hit

FULL = {"conntrack.count": 1_000}
LIMIT = {table.MAX: 1_000}
PLAIN = "nf_conntrack: nf_conntrack: table full, dropping packet"
NAMED = "nf_conntrack: nf_conntrack: table full in netns 4026532841, dropping packet"


def given(line: str, namespace: str, network: int | None) -> Clues:
    machine = replace(MACHINE, network_namespace=namespace)
    return replace(clues(limits=LIMIT, stands=FULL), machine=machine, log=((5.0, line),), network=network)


@pytest.mark.parametrize(
    ("line", "namespace", "network", "binds"),
    [
        (PLAIN, "initial", 4026531840, True),
        (PLAIN, "initial", None, True),
        (PLAIN, "another", 4026532841, False),
        (NAMED, "another", 4026532841, True),
        (NAMED, "another", 4026539999, False),
        (NAMED, "another", None, False),
        (NAMED, "initial", 4026531840, False),
        (NAMED, "initial", None, False),
    ],
)
def test_a_fresh_line_counts_for_the_namespace_that_it_is_of(
    line: str, namespace: str, network: int | None, binds: bool
) -> None:
    assert (table.state(given(line, namespace, network)) is State.BINDS) is binds


@pytest.mark.parametrize(("network", "others"), [(7, ()), (8, (7,)), (None, (7,))])
def test_a_given_line_names_another_namespace(network: int | None, others: tuple[int, ...]) -> None:
    line = replace(hit("conntrack", netns=7), line="table full in netns 7")
    known = replace(clues(limits=LIMIT, stands=FULL, hits=(line,)), network=network)
    assert table.other_namespaces(known) == others
    assert (table.state(known) is State.BINDS) == (not others)
    if others:
        silent = clues(hits=(line,), machine=replace(MACHINE, conntrack=None))
        assert "network namespace 7" in " ".join(cause.what for cause in diagnose(silent).causes)
