"""A directory for one of our files; the target is its path, the state "present"."""

from __future__ import annotations

import errno
import re

from hosttune.changes.backends import PRESENT, check_presence, file
from hosttune.errors import HostError
from hosttune.host import Host, WritableHost
from hosttune.model import Change, Reason, State

RUNTIME = False

# never /run/systemd or /run/systemd/system, the sign that systemd runs (sd_booted(3))
_OURS = re.compile(rf"{file.FOLDERS}|/etc/(?:security|systemd|systemd/system|network|NetworkManager)")


def read(host: Host, target: str) -> State:
    """Say whether the directory is there."""
    return PRESENT if host.glob(target) else None


def write(host: WritableHost, target: str, state: State) -> None:
    """Make the directory, or remove it where nobody else has put anything into it, or in its place."""
    if state == PRESENT:
        host.make_directory(target)
        return
    try:
        host.remove_directory(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ENOENT):
            raise


def check(target: str, state: State) -> None:
    """Raise ValueError for a directory that hosttune never makes."""
    if not _OURS.fullmatch(target) or "/../" in target:
        raise ValueError(f"{target!r} is no directory that hosttune makes")
    check_presence(target, state, "a directory")


def rank(target: str) -> int:
    return file.rank(target)


def missing(host: Host, path: str) -> list[str]:
    """Return the directories above a file that are not there, the outermost first."""
    directories: list[str] = []
    parent = path.rpartition("/")[0]
    while parent and not _exists(host, parent):
        directories.append(parent)
        parent = parent.rpartition("/")[0]
    return directories[::-1]


def made(host: Host, path: str, serves: tuple[str, ...] = ()) -> list[Change]:
    """Return the changes that make the directories which a file lacks."""
    return [Change("directory", directory, None, PRESENT, serves) for directory in missing(host, path)]


def _exists(host: Host, path: str) -> bool:
    try:
        return bool(host.glob(path))
    except HostError:
        return False


def in_the_way(host: Host, path: str) -> str:
    """Return what stands above a file where a directory has to be, "" where nothing does.

    A directory cannot be read as a file is, which sets it apart from a file, /dev/null and a link to nowhere.
    """
    parent = path.rpartition("/")[0]
    while parent:
        if _exists(host, parent):
            try:
                host.read(parent)
                return parent
            except HostError as error:
                if error.reason is Reason.ABSENT or error.detail.endswith("not a regular file"):
                    return parent
        parent = parent.rpartition("/")[0]
    return ""
