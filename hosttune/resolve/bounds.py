"""How much configuration of one kind is read: what is more than that is no configuration, and would take minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hosttune.errors import RefusedError

LARGEST = 1 << 20
"""Bytes of all files of one kind, as all of sysctl.d: a full installation has some 20 KiB, and each takes seconds."""

MOST_FILES = 20_000
"""Files of one kind; a full installation has some 50."""

MOST_PATTERNS = 100
"""Keys with `*` in one kind of files: each is held against every key there is; systemd and distributions ship 5."""

LONGEST_KEY = 4096
"""Bytes of a key, a path below /proc/sys: PATH_MAX, limits.h."""

LONGEST_LINE = 4096
"""Bytes of a line that is taken apart as a shell does, at a microsecond for each byte; these are all short."""


def within(files: Iterable[tuple[str, str]], kind: str) -> Iterator[tuple[str, str]]:
    """Yield the files (path and text) of one kind ("sysctl.d"); raises RefusedError at the first one beyond the bounds.

    Texts are counted in characters, of which a file has at most as many as bytes.
    """
    size = 0
    for count, (path, text) in enumerate(files, 1):
        size += len(text)
        if count > MOST_FILES:
            raise RefusedError(f"{path}: more than {MOST_FILES:,} files of {kind}; take away what is no configuration")
        if size > LARGEST:
            all_ = "" if size == len(text) else "with it "
            raise RefusedError(
                f"{path}: {all_}more than {LARGEST >> 20} MiB of {kind}; take away what is no configuration"
            )
        yield path, text
