"""Write the man pages."""

from __future__ import annotations

from typing import Any


def run(command: Any, output: str) -> None:
    """Write the man pages."""
    raise NotImplementedError
