"""Write alert rules and a dashboard."""

from __future__ import annotations


def run(output: str) -> None:
    """Write alert rules and a dashboard."""
    raise NotImplementedError
