"""Write the Ansible collection."""

from __future__ import annotations


def run(output: str) -> None:
    """Write the Ansible collection."""
    raise NotImplementedError
