"""A record on disk: one line a look, each in one write; never longer than its bound, and whole after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from typing import Any, TextIO

from hosttune.errors import UsageError
from hosttune.host import output_file
from hosttune.model import Run, Tick
from hosttune.watching import record

LARGEST = 64 << 20  # bytes
_TRIES = 8  # each makes the past about half as long


class Recorder:
    """A record that is open and locked; a run is added to what is there. Raises UsageError where that cannot be.

    A line is appended in one write(2), so that a kill leaves whole lines and at most one torn one, the last. When the
    next line would exceed `most` bytes, the looks before the newest quarter are thinned out: of every two one stays,
    with the higher use of both. That is written to a file beside it, synced and renamed, so that a crash
    leaves the old record or the new one. The record of a long run is thus coarse in its past and fine at its end.
    """

    def __init__(self, path: str, most: int, run: Run) -> None:
        self.path, self._most = path, most
        self._known: set[str] = set()
        try:
            # it names peers and processes, and what root sees of them
            self._fd, self._directory, self._name = output_file.append_to(path, 0o600)
        except OSError as error:
            raise self._wrong(error.strerror or str(error)) from error
        self._closed = weakref.finalize(self, os.close, self._directory)
        try:
            self._lock()
            self._check()
            self._append(record.text(record.head(run)))
        except OSError as error:
            raise self._wrong(os.strerror(error.errno or 0)) from error

    def add(self, tick: Tick) -> None:
        """Append a look; raises UsageError where it cannot be written."""
        names = record.names(tick.uses, self._known)
        try:
            if names:
                self._append(record.text(names))
            self._append(record.text(record.look(tick)))
        except OSError as error:
            why = f"{os.strerror(error.errno or 0)}; what was recorded before is kept"
            raise self._wrong(why) from error

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)
        self._closed()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _wrong(self, why: str) -> UsageError:
        return UsageError(f"--record {self.path}: {why}")

    def _check(self) -> None:
        """Refuse what is no record; end a line that a kill has torn."""
        length = os.fstat(self._fd).st_size
        if not length:
            return
        with self._read() as file:
            first = file.readline(1 << 20)
        if not record.is_head(first):
            raise self._wrong("not a record of hosttune watch; name a new file, or one that it wrote")
        if os.pread(self._fd, 1, length - 1) != b"\n":
            os.write(self._fd, b"\n")

    def _append(self, line: str) -> None:
        data = line.encode()
        for _ in range(_TRIES):
            if os.fstat(self._fd).st_size + len(data) <= self._most:
                break
            self._thin()
        else:
            raise self._wrong(f"it cannot be made shorter than --max-size {self._most:,} bytes")
        written = os.write(self._fd, data)
        if written < len(data):  # the disk is full: the rest fails and says so
            os.write(self._fd, data[written:])

    def _thin(self) -> None:
        beside, at = f"{self._name}.thinning", self._directory
        with self._read() as file:
            looks = sum(line.startswith('{"time"') for line in file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=at)  # a crash left it
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(beside, flags, 0o600, dir_fd=at)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(fd, "w", encoding="utf-8", closefd=False) as file, self._read() as old:
                file.writelines(record.thinned(old, looks))
            os.fsync(fd)
            os.rename(beside, self._name, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            os.close(fd)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside, dir_fd=at)
            raise
        os.close(self._fd)
        self._fd = fd

    def _read(self) -> TextIO:
        """Return the record open to be read, by its descriptor: its name may be another file's by now."""
        fd = os.dup(self._fd)
        os.lseek(fd, 0, os.SEEK_SET)  # what is appended goes to the end all the same
        return open(fd, encoding="utf-8", errors="replace")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise self._wrong("another hosttune records to it; name another file") from error
