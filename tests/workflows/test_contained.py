"""A container names the program: another name of it, or another place to look from, contradicts it."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.errors import UsageError
from hosttune.options import Options, Place
from hosttune.workflows import contained
from tests import verbs


@pytest.mark.parametrize(
    ("option", "given", "place"),
    [
        ("--pid", {"pid": 1}, {}),
        ("--process-name", {"process_name": "haproxy"}, {}),
        ("--service", {"service": "haproxy"}, {}),
        ("--netns", {}, {"netns": "blue"}),
        ("--snapshot", {}, {"snapshot": "x.json"}),
        ("--root", {}, {"root": "/srv"}),
    ],
)
def test_it_goes_with_no_other_name_and_no_other_place(option: str, given: Any, place: Any) -> None:
    with pytest.raises(UsageError, match=f"--container and {option}: "):
        contained.settled(Options(container="web", **given), Place(**place))


def test_an_empty_name_is_no_name() -> None:
    done = verbs.hosttune("check", "--container", "")
    assert done.returncode == 2 and "--container: it is empty" in done.stderr


def test_without_one_nothing_changes() -> None:
    options = Options(role="lb")
    assert contained.settled(options, Place()) is options is contained.of_role(options, Place())


@pytest.mark.parametrize("verb", ["check", "capacity", "diagnose", "watch --once", "apply --yes", "apply --script"])
def test_one_that_is_not_there_is_one_line(verb: str) -> None:
    done = verbs.hosttune(*verb.split(), "--container", "no-such\x1b[2J")
    assert done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1
    assert done.stderr.startswith("hosttune: --container no-such?[2J: no such container; ")
