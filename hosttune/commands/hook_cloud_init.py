"""Print user-data for cloud-init."""

from __future__ import annotations

from hosttune.commands import _load


def run(aim: _load.Aim, origin: str, sha256: str) -> None:
    """Print user-data for cloud-init."""
    raise NotImplementedError
