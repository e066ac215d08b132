"""Completion scripts: each asks `hosttune hook complete` what can stand where the cursor is, and evaluates nothing."""

from __future__ import annotations

from importlib import resources

SHELLS = ("bash", "zsh", "fish")


def script(shell: str) -> str:
    """Return the script of one of SHELLS."""
    return resources.files("hosttune.hooks").joinpath(f"completion.{shell}").read_text(encoding="utf-8")
