"""The pages for people: Markdown files beside this one, shipped with the package and shown by `hosttune docs`."""

from __future__ import annotations

from importlib import resources

from hosttune.docs.text import plain
from hosttune.errors import UsageError

__all__ = ["page", "plain", "source", "topics"]

_SUFFIX = ".md"


def topics() -> dict[str, str]:
    """Return what each page is about, in a few words, by its topic in alphabetical order."""
    heads = _heads().items()
    return {topic: about if names == [topic] else f"{', '.join(names)}: {about}" for topic, (names, about) in heads}


def source(topic: str) -> str:
    """Return a page as it was written, in Markdown; raises UsageError, with all topics, where there is none.

    Each name that stands before the colon in the head of a page is a topic too: `apply` is in `changing`.
    """
    heads = _heads()
    within = [page for page, (names, _) in heads.items() if topic == page or topic in names]
    if not within:
        raise UsageError(f"docs {topic!r}: no such page; choose {', '.join(heads)}")
    return _text(within[0] + _SUFFIX)


def page(topic: str, width: int) -> str:
    """Return a page as text of so many columns; raises UsageError where there is none."""
    return plain(source(topic), width)


def _heads() -> dict[str, tuple[list[str], str]]:
    """Return the names and the words of the first line of each page: `# NAME, NAME: WORDS`."""
    files = sorted(file.name for file in resources.files(__name__).iterdir() if file.name.endswith(_SUFFIX))
    found = {}
    for file in files:
        names, _, about = _text(file).partition("\n")[0].removeprefix("# ").partition(": ")
        found[file.removesuffix(_SUFFIX)] = (names.split(", "), about)
    return found


def _text(file: str) -> str:
    return resources.files(__name__).joinpath(file).read_text(encoding="utf-8")
