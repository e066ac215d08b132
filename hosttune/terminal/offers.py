"""What a shell offers as the value of an option where it needs nothing of hosttune: words, files, directories."""

from __future__ import annotations

import importlib
from collections.abc import Callable

FILES, DIRECTORIES = ":files", ":directories"
"""As the help of a value: what a shell completes by itself."""
Offered = list[str | tuple[str, str]]


def choice(*values: str) -> Callable[[str], list[str]]:
    """Return a completer of fixed words."""

    def offer(incomplete: str) -> list[str]:
        return list(values)

    return offer


def listed(module: str, name: str) -> Callable[[str], list[str]]:
    """Return a completer of words that a module lists under a name."""

    def offer(incomplete: str) -> list[str]:
        return list(getattr(importlib.import_module(module), name))

    return offer


def several(*values: str) -> Callable[[str], list[str]]:
    """Return a completer of words of which several may be given, with commas between them."""

    def offer(incomplete: str) -> list[str]:
        before, comma, _ = incomplete.rpartition(",")
        return [f"{before}{comma}{value}" for value in values if value not in before.split(",")]

    return offer


def files(incomplete: str) -> Offered:
    """Offer files."""
    return [(incomplete, FILES)]


def directories(incomplete: str) -> Offered:
    """Offer directories."""
    return [(incomplete, DIRECTORIES)]
