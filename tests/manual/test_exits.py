"""One table of exit codes: of every verb, in one form."""

from __future__ import annotations

import pytest

from hosttune import errors
from hosttune.manual import exits
from hosttune.manual.verb import Verb
from tests.manual import tree


def test_only_verbs_that_there_are_have_codes_of_their_own() -> None:
    assert set(exits.VERBS) <= {verb.words for verb in tree.leaves()}


@pytest.mark.parametrize("verb", tree.leaves(), ids=lambda verb: verb.page)
def test_each_verb_has_a_table_of_known_codes(verb: Verb) -> None:
    assert {0, 2, 130} <= set(verb.exits) <= set(exits.CODES)
    assert list(verb.exits) == sorted(verb.exits)
    assert all(means[0].isupper() and means.endswith(".") for means in verb.exits.values())
    assert "Exit:" not in verb.help


def test_a_group_has_those_of_its_verbs_and_no_table() -> None:
    assert exits.below("sources") == {0, 1, 2, 4, 5}
    assert exits.below("docs") == {0, 2}
    assert not next(verb for verb in tree.tree().verbs if verb.words == "sources").exits


def test_every_error_has_a_code_that_is_told() -> None:
    codes = {kind.exit_code for kind in vars(errors).values() if getattr(kind, "exit_code", None) is not None}
    assert codes <= set(exits.CODES)
