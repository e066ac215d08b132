"""Tell a shell what can stand where the cursor is: a line each, the value, a tab, what it is."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from hosttune.commands import completing

_ASKS = (completing.FILES, completing.DIRECTORIES)


def run(command: Any, line: str) -> None:
    """Print the candidates; `line` is the command line up to the cursor, `command` what typer makes of an app."""
    try:
        found = candidates(command, line)
    except Exception:  # what goes wrong, a broken profile say, does not belong into a prompt
        return
    for value, help in found:
        print(help if help in _ASKS else f"{value}\t{help}" if help else value)


def candidates(command: Any, line: str) -> list[tuple[str, str]]:
    """Return values with what they are, "" where nothing is to say; the help of one may be one of _ASKS."""
    core = next(c for c in type(command).__mro__ if c.__name__ == "Command").__module__
    # depending on its release typer has click or a copy of it
    library = importlib.import_module(f"{core.rpartition('.')[0]}.shell_completion")
    words = library.split_arg_string(line)[1:]
    last = words.pop() if words and not line[-1].isspace() else ""
    asked = SimpleNamespace(cli=command, ctx_args={}, prog_name="hosttune")
    # of --option=value the shells replace the whole
    option, equals, _ = last.partition("=")
    before = option + equals if equals and option.startswith("--") else ""
    found = library.ShellComplete.get_completions(asked, words, last)
    return [(before + item.value, " ".join((item.help or "").split())) for item in found]
