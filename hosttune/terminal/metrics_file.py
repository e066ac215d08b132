"""The file that the textfile collector of node_exporter reads: whole at each moment, and readable by its user."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from hosttune.errors import HostError, UsageError
from hosttune.host import named_file, output_file

_SUFFIX = ".prom"
_PATIENCE = 5.0  # seconds for another run that writes in the same directory
_LARGEST = 1 << 24  # bytes of another file of the directory that is looked into


def check(path: str, verb: str) -> None:
    """Raise UsageError where the collector would not read the file, or would read the metrics of a verb twice."""
    if not path:
        return
    named(path)
    try:
        _check_there(path, Path(path), verb)
    except OSError as error:
        raise UsageError(f"--textfile {path}: {os.strerror(error.errno or 0)}; name another") from error


def _check_there(path: str, target: Path, verb: str) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"--textfile {path}: {target.parent} is no directory; name that of --collector.textfile")
    if os.path.lexists(target) and not stat.S_ISREG(os.lstat(target).st_mode):
        raise UsageError(f"--textfile {path}: no regular file; name another")
    for other in sorted(target.parent.glob(f"*{_SUFFIX}")):
        if other.name != target.name and _holds(other, verb):
            raise UsageError(
                f"--textfile {path}: {other.name} beside it has the metrics of hosttune {verb} already, and "
                "node_exporter takes each once; write to that one, or remove it"
            )


def named(path: str) -> None:
    """Raise UsageError for a name that the collector would not read in any directory."""
    if Path(path).suffix != _SUFFIX or "\0" in path:
        raise UsageError(f"--textfile {path}: node_exporter reads only files that end in {_SUFFIX}; name it so")


def _holds(path: Path, verb: str) -> bool:
    with contextlib.suppress(OSError, HostError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            return f'hosttune_run_success{{verb="{verb}"}}'.encode() in named_file.read(str(path), _LARGEST).data
    return False


def write(path: str, text: str) -> None:
    """Put the metrics in place: mode 0644, or that of the file that is there, with its owner; raises UsageError."""
    full = os.path.abspath(path)
    try:
        with _alone(os.path.dirname(full)):
            output_file.renew(full, text.encode(), 0o644)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"--textfile {path}: {why}; name a file in a directory that you may write") from error


@contextlib.contextmanager
def _alone(directory: str) -> Iterator[None]:
    """Hold off other runs that write there: they would take this one's temporary file for their own.

    Not for ever: whoever may read the directory can hold the lock.
    """
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    until = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.02)
        yield
    finally:
        os.close(fd)


def remove(path: str, mark: str) -> None:
    """Remove the metrics of a watch that has ended, which have `mark`: what they say is not so any more."""
    with contextlib.suppress(OSError):
        # another run may have written there since
        output_file.remove_if(path, mark.encode(), _LARGEST)
