"""How much configuration of one kind is read: what is more than that is no configuration, and would take minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hosttune.errors import RefusedError

LARGEST = 1 << 19
"""Bytes of all files of one kind, as all of sysctl.d: a full installation has some 20 KiB, and 1 MiB takes seconds."""

LARGEST_LIMITS = 1 << 20
"""Bytes of limits.conf and limits.d, which may have lines for each of some thousand users."""

MOST_FILES = 20_000
"""Files of one kind; a full installation has some 50."""

MOST_WARNINGS = 1000
"""Lines of one kind of files that are reported as wrong, one by one."""

MOST_UNITS = 5000
"""Services of which each is looked at, for a snapshot; a full installation has some 400."""

MOST_NAMES = 64
"""Names of one unit, its aliases; systemd's own units have up to 5."""

MOST_DIRECTORIES = 5000
"""Directories in which drop-ins of one unit may lie: 13 places for each of its names, and for each `-` in them."""

MOST_PATTERNS = 50
"""Keys with `*` in one kind of files: each is held against every key there is; systemd and distributions ship 5."""

LONGEST_KEY = 4096
"""Bytes of a key, a path below /proc/sys: PATH_MAX, limits.h."""

LONGEST_LINE = 4096
"""Bytes of a line that is taken apart as a shell does, at a microsecond for each byte; these are all short."""


def within(files: Iterable[tuple[str, str]], kind: str, largest: int = LARGEST) -> Iterator[tuple[str, str]]:
    """Yield the files (path and text) of one kind ("sysctl.d"); raises RefusedError at the first one beyond the bounds.

    Texts are counted in characters, of which a file has at most as many as bytes.
    """
    size = 0
    for count, (path, text) in enumerate(files, 1):
        size += len(text)
        if count > MOST_FILES:
            raise RefusedError(
                f"{path}: more than {MOST_FILES:,} files of {kind}; move what is not configuration elsewhere"
            )
        if size > largest:
            all_ = "" if size == len(text) else "with it "
            raise RefusedError(
                f"{path}: {all_}more than {largest >> 10} KiB of {kind}; move what is not configuration elsewhere"
            )
        yield path, text


def warnings_within(warnings: Sequence[str]) -> tuple[str, ...]:
    """Return the first warnings, and in place of many others how many they are."""
    more = len(warnings) - MOST_WARNINGS
    rest = (f"{more:,} more lines that are wrong",) if more > 0 else ()
    return (*warnings[:MOST_WARNINGS], *rest)
