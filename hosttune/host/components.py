"""The components of a path in the order in which they are walked, those of its links too (path_resolution(7))."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

_LINKS = 40  # as the kernel's own limit
_STEPS = 4096
"""Components of one path, those of its links too: a name has at most PATH_MAX bytes, limits.h."""


class Components:
    """What is yet to be walked: each name, and whether it is the last; raises OSError where links lead on and on.

    `directory`: the path says at its end that it is one, with a slash or `.`.
    """

    def __init__(self, path: str) -> None:
        self._todo = _parts(path)
        self._links = 0
        self.directory = path.rpartition("/")[2] in ("", ".")

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        for _ in range(_STEPS):
            if not self._todo:
                return
            name = self._todo.pop()
            yield name, not self._todo
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))

    def follow(self, target: str) -> bool:
        """Go on with where a link points; say whether that begins at the root."""
        self._links += 1
        if self._links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._todo += _parts(target)
        return target.startswith("/")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")][::-1]
