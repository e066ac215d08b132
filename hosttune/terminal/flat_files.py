"""Put files among others: into a directory that may hold anything else, each whole, replacing only what is ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hosttune.errors import HostError, UsageError
from hosttune.host import named_file, output_file
from hosttune.terminal import streams

_LARGEST = 1 << 20  # bytes of a file of ours


def put(option: str, directory: str, files: Mapping[str, str], mark: str) -> None:
    """Write files (text by name) into the directory that an option names, made if need be.

    Raises UsageError, before anything is written, where a file of that name is there that has not the `mark` in it:
    it is somebody else's. A name may have directories of its own before it.
    """
    where = Path(directory)
    if not directory or "\0" in directory or (os.path.exists(where) and not os.path.isdir(where)):
        raise UsageError(f"{option} {directory!r}: no directory; name one")
    for folder in dict.fromkeys((where / name).parent for name in files):
        _lead_there(option, folder)
    for name in files:
        path = where / name
        if os.path.lexists(path) and mark not in _text(path):
            raise UsageError(f"{option} {directory}: {name} is there and was not written by hosttune; move it away")
    try:
        for name in files:
            (where / name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} {directory}: {os.strerror(error.errno or 0)}; name another directory") from error
    for name, text in files.items():
        streams.to_file(option, str(where / name), text)


def _lead_there(option: str, where: Path) -> None:
    """Raise UsageError where a link of another user is on the way to the part of a path that is there."""
    there = next(path for path in (where, *where.absolute().parents) if path.is_dir())
    try:
        with output_file.place_of(f"{there}/.any"):
            pass
    except OSError as error:
        raise UsageError(f"{option} {where}: {error.strerror or error}") from error


def _text(path: Path) -> str:
    try:
        if path.is_symlink():
            return ""
        return named_file.read(str(path), _LARGEST).data.decode("utf-8", "replace")
    except (OSError, HostError):
        return ""
