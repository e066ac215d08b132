"""Print the completion script of a shell."""

from __future__ import annotations

from hosttune.errors import UsageError
from hosttune.hooks import completion


def run(shell: str) -> None:
    """Print it; raises UsageError."""
    if shell not in completion.SHELLS:
        raise UsageError(f"hook completion {shell}: no script for this shell; choose {', '.join(completion.SHELLS)}")
    print(completion.script(shell), end="")
