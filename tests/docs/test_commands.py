"""Each command of the front page and the pages is one that the command line takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import typer
from typer.main import get_command

from hosttune.cli import app
from hosttune.terminal import usage
from tests.docs import pages

LEAVING = {"--version", "--help", "-h", "-V"}
"""What prints something and leaves while it is parsed."""


def parse(words: Sequence[str]) -> list[str]:
    """Parse arguments without running the verb, and return the names of the verb; raises what the parser raises."""
    command, rest, names = get_command(app), list(words), ["hosttune"]
    context = None
    while True:
        context = command.make_context(names[-1], rest, parent=context)
        if not hasattr(command, "resolve_command"):
            return names
        left = [*getattr(context, "_protected_args", ()), *context.args]
        if not left:
            return names
        name, command, rest = command.resolve_command(context, left)
        names.append(str(name))


def wanted() -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for name, path in pages.ALL.items():
        for words in pages.commands(path.read_text(encoding="utf-8")):
            told = pages.options(words)
            if told and not LEAVING & {*told}:
                found.append((name, tuple(told)))
    return sorted({*found})


def test_each_command_is_taken() -> None:
    wrong = []
    for name, words in (every := wanted()):
        try:
            parse(words)
        except usage.WRONG as error:
            # prose names a verb without what it needs
            if not isinstance(error, typer.BadParameter) or "Missing" not in error.format_message():
                wrong.append(f"{name}: hosttune {' '.join(words)}: {error.format_message()}")
    assert not wrong
    assert len(every) > 80


@pytest.mark.parametrize("words", [["check", "--no-such"], ["nosuch"], ["apply", "--role"], ["sources", "nosuch"]])
def test_what_is_not_taken_is_found(words: list[str]) -> None:
    with pytest.raises(usage.WRONG):
        parse(words)


def test_nothing_runs_while_it_is_parsed() -> None:
    assert parse(["apply", "--role", "lb", "--yes"]) == ["hosttune", "apply"]
    assert parse(["hook", "completion", "bash"]) == ["hosttune", "hook", "completion"]
