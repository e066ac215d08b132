"""The pages for people: Markdown files beside this one, shipped with the package and shown by `hosttune docs`."""

from __future__ import annotations

from importlib import resources

from hosttune.docs.text import plain
from hosttune.errors import UsageError

__all__ = ["page", "plain", "source", "topics"]

_SUFFIX = ".md"


def topics() -> dict[str, str]:
    """Return the first line of each page by its topic, in alphabetical order."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(_SUFFIX): file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for file in files
        if file.name.endswith(_SUFFIX)
    }


def source(topic: str) -> str:
    """Return a page as it was written, in Markdown; raises UsageError, with all topics, where there is none."""
    known = topics()
    if topic not in known:
        raise UsageError(f"docs {topic!r}: no such page; choose {', '.join(known)}")
    return resources.files(__name__).joinpath(topic + _SUFFIX).read_text(encoding="utf-8")


def page(topic: str, width: int) -> str:
    """Return a page as text of so many columns; raises UsageError where there is none."""
    return plain(source(topic), width)
