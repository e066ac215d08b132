"""What one run has seen of the files: each is read once, each directory listed once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hosttune.errors import HostError, RefusedError
from hosttune.host.reading import size_text

LARGEST_ALL = 32 << 20
"""Bytes of all files that one run reads; the /etc of a large host has some hundred KiB that we look at."""

MOST_NAMES = 20_000
"""Names in one directory: 30 times as many as the units of a full installation, and listed in a blink."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Remembered:
    """The answers so far, by path or pattern, errors too; an answer of the running kernel is never among them."""

    texts: dict[str, str | HostError] = field(default_factory=dict)
    globs: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def text(self, path: str, ask: Callable[[], str]) -> str:
        """Return the text of a file; raises HostError, and RefusedError beyond LARGEST_ALL."""
        if path not in self.texts:
            try:
                answer: str | HostError = ask()
            except HostError as error:
                answer = error
            self.texts[path] = answer
            self.size += len(answer) if isinstance(answer, str) else 0
            if self.size > LARGEST_ALL:
                raise RefusedError(
                    f"{path}: with it more than {size_text(LARGEST_ALL)} of configuration would be read, which no host "
                    "has; move what is not configuration elsewhere"
                )
        known = self.texts[path]
        if isinstance(known, HostError):
            raise HostError(known.reason, known.detail)  # a new one: the old one holds its frames
        return known


def lives(path: str) -> bool:
    """Say whether a file is the kernel's, whose answers change by themselves."""
    return path.startswith(("/proc/", "/sys/"))


def is_kept(path: str) -> bool:
    """Say whether an answer holds for a whole run: not of the kernel, nor of the journal, which other runs write."""
    return not path.startswith(("/proc/", "/sys/", "/var/"))


def too_many(path: str) -> RefusedError:
    """Return what to say of a directory with more names than are listed."""
    return RefusedError(
        f"{path}: more than {MOST_NAMES:,} names in one directory, which is no configuration; move what does not "
        "belong there elsewhere"
    )
