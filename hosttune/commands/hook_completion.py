"""Print the completion script of a shell."""

from __future__ import annotations


def run(shell: str) -> None:
    """Print the completion script of a shell."""
    raise NotImplementedError
