"""Write files into a directory of their own: all of them or none.

They are written beside the directory and then take its place by a rename, so that nothing half-written is ever there.
What was written there before is replaced, and nothing else: a manifest names it, each file with its sum.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hosttune.errors import ApplyError, HostError, UsageError
from hosttune.host import json_bounds, output_file
from hosttune.host.reading import OPENING, read_bounded

MANIFEST = ".hosttune-emit.json"
KEPT = "reports"
"""The playbook puts what it gathers here: it outlives the next emission."""
_SCHEMA = "hosttune/emit/1"
_PART = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@-]{0,127}")
_LARGEST = 1 << 24  # bytes of a manifest


def write(option: str, directory: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write all files (text by its path below the directory) and return their paths, sorted.

    `option` is what named the directory. What begins with #! may be executed. Raises UsageError where the directory
    holds anything else, ApplyError where it could not be written; either way what was there is as it was.
    """
    wrong = next((path for path in files if not _is_path(path)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no path of its own below the directory")
    with _target(option, directory) as target:
        fresh, old = (target.with_name(f".{target.name}.hosttune-{what}") for what in ("new", "old"))
        try:
            _heal(target, fresh, old)
            _check(target, f"{option} {directory}")
            _write(fresh, files)
            _exchange(target, fresh, old)
        except OSError as error:
            with contextlib.suppress(OSError):
                _discard(fresh)
            reason = error.strerror or str(error)
            raise ApplyError(
                f"{option} {directory}: {reason}; nothing was changed there, name a directory on a disk with room"
            ) from error
    return tuple(sorted(files))


def _is_path(path: str) -> bool:
    return path != KEPT and all(_PART.fullmatch(part) for part in path.split("/"))


@contextlib.contextmanager
def _target(option: str, directory: str) -> Iterator[Path]:
    """Give the path of the directory below its parent, which is open; raises UsageError where it can be none."""
    plain = Path(os.path.abspath(directory))
    if not directory or "\0" in directory or plain.parent == plain:
        raise UsageError(f"{option} {directory!r}: no directory of its own; name one that is to be made")
    if plain.is_symlink():
        raise UsageError(f"{option} {directory}: a symbolic link; name the directory that it leads to")
    if plain.exists() and not plain.is_dir():
        raise UsageError(f"{option} {directory}: not a directory; name one that is to be made")
    if not plain.parent.is_dir():
        raise UsageError(f"{option} {directory}: {plain.parent} is no directory; make it first")
    try:
        with output_file.place_of(str(plain)) as place:
            # by its descriptor: whoever turns a link on the way turns nothing here
            yield Path(f"/proc/self/fd/{place.directory}") / place.name
    except OSError as error:
        raise UsageError(f"{option} {directory}: {error.strerror or error}") from error


def _heal(target: Path, fresh: Path, old: Path) -> None:
    """Put back or clear away what a run left that was interrupted."""
    if os.path.lexists(old):
        if not os.path.lexists(target):
            os.rename(old, target)
        else:
            _retire(old, target)
    _discard(fresh)


def _check(target: Path, named: str) -> None:
    """Raise UsageError where the directory holds what no emission has written, or what was changed since."""
    if not target.exists():
        return
    present = list(_present(target))
    if not present:
        return
    known = _manifest(target)
    for path in present:
        if path == MANIFEST:
            continue
        if path not in known:
            raise UsageError(f"{named}: {_shown(path)} is not of an earlier run; name an empty directory")
        if not stat.S_ISREG(os.lstat(target / path).st_mode) or known[path] != _sum((target / path).read_bytes()):
            raise UsageError(f"{named}: {path} was changed since it was written; keep it elsewhere and delete it")


def _present(target: Path) -> Iterator[str]:
    """Yield what lies in the directory, by its path below it; directories only where they are none of ours."""
    for top, directories, names in os.walk(target):
        folder = os.path.relpath(top, target)
        if folder == ".":
            reports = target / KEPT
            if reports.is_dir() and not reports.is_symlink():
                directories.remove(KEPT)
        for name in [*names, *(d for d in directories if os.path.islink(os.path.join(top, d)))]:
            yield os.path.normpath(os.path.join(folder, name))


def _manifest(target: Path) -> dict[str, str]:
    """Return the sums of an earlier run; empty where there is none that can be read."""
    path = target / MANIFEST
    try:
        with open(os.open(path, OPENING | os.O_NOFOLLOW), "rb") as file:
            read: Any = json_bounds.parse(read_bounded(file.fileno(), _LARGEST, str(path)))
    except (OSError, HostError, ValueError):
        return {}
    if not isinstance(read, dict) or read.get("schema") != _SCHEMA or not isinstance(read.get("files"), dict):
        return {}
    return {str(name): str(known) for name, known in read["files"].items()}


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _shown(path: str) -> str:
    return path.encode("unicode_escape").decode("ascii")


def _write(fresh: Path, files: Mapping[str, str]) -> None:
    """Write a whole directory anew, on the disk before it is used."""
    fresh.mkdir(0o755)
    sums: dict[str, str] = {}
    made = {fresh}
    for path, text in sorted(files.items()):
        for parent in reversed((fresh / path).relative_to(fresh).parents):
            if fresh / parent not in made:
                (fresh / parent).mkdir(0o755)
                made.add(fresh / parent)
        data = text.encode()
        sums[path] = _sum(data)
        _put(fresh / path, data, 0o755 if text.startswith("#!") else 0o644)
    manifest = json.dumps({"schema": _SCHEMA, "files": sums}, indent=1) + "\n"
    _put(fresh / MANIFEST, manifest.encode(), 0o644)
    for directory in made:
        _sync(directory)


def _put(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _exchange(target: Path, fresh: Path, old: Path) -> None:
    """Let the new directory take the old one's place; where that fails the old one is put back."""
    replaced = os.path.lexists(target)
    if replaced:
        os.rename(target, old)
    try:
        os.rename(fresh, target)
    except OSError:
        if replaced:
            os.rename(old, target)
        raise
    # from here on it is done; what cannot be cleared away now, the next emission clears
    with contextlib.suppress(OSError):
        _sync(target.parent)
        if replaced:
            _retire(old, target)


def _retire(old: Path, target: Path) -> None:
    """Take the reports over, then remove what has been replaced: it was checked to be an emission and nothing else."""
    reports = old / KEPT
    if reports.is_dir() and not reports.is_symlink() and not os.path.lexists(target / KEPT):
        os.rename(reports, target / KEPT)
    _discard(old)


def _discard(directory: Path) -> None:
    """Remove a directory that is ours with all in it; a link is removed, not followed."""
    if directory.is_symlink():
        directory.unlink()
    elif directory.is_dir():
        shutil.rmtree(directory)
