"""Every verb has examples, and each of them is a command line that is taken."""

from __future__ import annotations

import shlex

import pytest
import typer

from hosttune.cli import app
from hosttune.manual import examples
from tests import verbs
from tests.manual import tree

COMMANDS = [command for verb in tree.every() for _, command in examples.of(verb.words)]
READ_ONLY = (
    "explain",
    "profile list",
    "profile show",
    "plan whitepaper-2019 --set",
    "hook completion",
    "hook cloud-init",
)
"""What begins so runs anywhere, in a second."""


def words(command: str) -> list[str]:
    """Return the words behind the name of the program, without what the shell does with its output."""
    text = command.partition(" > ")[0].removeprefix("sudo ").removeprefix("source <(").rstrip(")")
    return shlex.split(text)[1:]


def test_each_verb_has_one_to_three() -> None:
    leaves = {verb.words for verb in tree.leaves()}
    assert not {name for name in leaves if not 1 <= len(examples.of(name)) <= 3}
    # the pages that `docs` shows may come with another release
    assert set(examples.VERBS) - {"docs"} <= leaves


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_its_options_and_values_are_taken(command: str) -> None:
    group, given = typer.main.get_command(app), words(command)
    context = group.make_context("hosttune", list(given), resilient_parsing=False)
    rest = [*context._protected_args, *context.args]
    while hasattr(group, "commands"):
        name, group, rest = group.resolve_command(context, rest)
        assert group is not None
        context = group.make_context(name, list(rest), parent=context)
        if hasattr(group, "commands"):
            rest = [*context._protected_args, *context.args]
    assert command.removeprefix("sudo ").startswith(("hosttune ", "source <(hosttune "))


RUN = [command for command in COMMANDS if command.removeprefix("hosttune ").startswith(READ_ONLY)]


@pytest.mark.parametrize("command", dict.fromkeys(RUN))
def test_what_reads_only_is_done(command: str) -> None:
    done = verbs.hosttune(*words(command))
    assert done.returncode in (0, 1) and done.stdout, done
