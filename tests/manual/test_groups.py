"""Every verb stands in the group, and every option in the panel, where a person looks for it."""

from __future__ import annotations

import pytest

from hosttune.manual import groups
from hosttune.manual.verb import Verb
from tests.manual import tree


def test_every_verb_is_in_one_group() -> None:
    named = [verb for row in groups.VERBS.values() for verb in row]
    assert len(set(named)) == len(named)
    assert {each.words for each in tree.tree().verbs} <= set(named)


def test_diagnose_is_near_the_top() -> None:
    assert next(iter(groups.VERBS.values())).index("diagnose") < 2


def test_a_verb_of_no_group_is_of_the_last() -> None:
    assert groups.grouped(["frobnicate", "check", "explain"]) == {
        "Find out": ["check"],
        "Automate and look up": ["explain", "frobnicate"],
    }


@pytest.mark.parametrize("verb", tree.leaves(), ids=lambda verb: verb.page)
def test_every_option_is_in_one_panel(verb: Verb) -> None:
    named = [name for row in groups.PANELS.values() for name in row]
    assert len(set(named)) == len(named)
    assert {option.long for option in verb.options} <= set(named)
    assert sum(map(len, verb.panels.values())) == len(verb.options)
