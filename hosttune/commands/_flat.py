"""Put files among others: into a directory that may hold anything else, each whole, replacing only what is ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hosttune.commands import _output
from hosttune.errors import UsageError


def put(option: str, directory: str, files: Mapping[str, str], mark: str) -> None:
    """Write files (text by name) into the directory that an option names, made if need be.

    Raises UsageError, before anything is written, where a file of that name is there that has not the `mark` in it:
    it is somebody else's.
    """
    where = Path(directory)
    if not directory or "\0" in directory or (os.path.exists(where) and not os.path.isdir(where)):
        raise UsageError(f"{option} {directory!r}: no directory; name one")
    for name in files:
        path = where / name
        if os.path.lexists(path) and mark not in _text(path):
            raise UsageError(f"{option} {directory}: {name} is there and was not written by hosttune; move it away")
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} {directory}: {os.strerror(error.errno or 0)}; name another directory") from error
    for name, text in files.items():
        _output.to_file(option, str(where / name), text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() and not path.is_symlink() else ""
    except OSError:
        return ""
