"""What can stand at the end of a command line, as typer lists it."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from hosttune.terminal import offers


def of(command: Any, line: str) -> list[tuple[str, str]]:
    """Return values with what they are, "" where nothing is to say, or what a shell completes by itself."""
    core = next(c for c in type(command).__mro__ if c.__name__ == "Command").__module__
    # depending on its release typer has click or a copy of it
    library = importlib.import_module(f"{core.rpartition('.')[0]}.shell_completion")
    words = library.split_arg_string(line)[1:]
    last = words.pop() if words and not line[-1].isspace() else ""
    asked = SimpleNamespace(cli=command, ctx_args={}, prog_name="hosttune")
    # of --option=value the shells replace the whole
    option, equals, _ = last.partition("=")
    before = option + equals if equals and option.startswith("--") else ""
    completions = library.ShellComplete.get_completions(asked, words, last)
    return [(before + item.value, " ".join((item.help or "").split())) for item in completions]


def lines(command: Any, line: str) -> list[str]:
    """Return a line for each: the value, and after a tab what it is; or alone what the shell completes by itself."""
    try:
        offered = of(command, line)
    except Exception:  # what goes wrong, a broken profile say, does not belong into a prompt
        return []
    by_the_shell = (offers.FILES, offers.DIRECTORIES)
    return [help if help in by_the_shell else f"{value}\t{help}" if help else value for value, help in offered]
