"""Standard output and error that may go away while the work goes on: the reader ends, the disk is full.

They are the last net too: whatever is written to them as text passes the filter of hosttune/printable.py, so that no
verb, library or traceback can send a terminal what it would obey.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, TextIO

from hosttune import printable
from hosttune.errors import UsageError
from hosttune.render import styles
from hosttune.terminal import started

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_WRITTEN_ALL_THE_SAME = "what was done stays done, `hosttune history` lists it"
_LOST = 3
"""Exit code of a verb that only reads and whose answer could not be written."""

_ELSEWHERE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EISDIR, errno.EROFS)

_done: list[str] = []


class Passing(Enum):
    """What a stream lets through beside printable text, newlines and tabs: sequences that our own code writes.

    PALETTE: the styles of render/styles.py. COLOUR: select graphic rendition, which moves nothing. SCREEN: those of a
    live screen (console_codes(4)); titles, answers and strings are not among them.
    """

    TEXT = r"(?!)"
    PALETTE = styles.SEQUENCES
    COLOUR = r"\x1b\[[0-9;]*m"
    SCREEN = r"\x1b\[\??[0-9;]*[ABCDGHJKhlm]|\r"


class Tolerant(io.FileIO):
    """A file descriptor whose first failed write is kept in `error`; what follows goes nowhere."""

    error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or pretend to."""
        view = memoryview(data)
        if self.error is None:
            try:
                return super().write(view) or 0
            except OSError as error:
                self.error = error
        return view.nbytes


class Filtered(io.TextIOWrapper):
    """A stream for people and pipes: what is no printable text becomes a question mark, but for what is `passing`."""

    passing = Passing.TEXT

    def write(self, text: str, /) -> int:
        """Write the text, filtered; the count is that of what was given."""
        if self.passing is Passing.TEXT:
            super().write(printable.lines(text))
            return len(text)
        own = f"({self.passing.value})"
        parts = re.split(own, text)
        super().write("".join(part if number % 2 else printable.lines(part) for number, part in enumerate(parts)))
        return len(text)


@contextlib.contextmanager
def passing(which: Passing, stream: TextIO | None = None) -> Iterator[None]:
    """Let sequences of our own through a stream, standard output if none is named, while text of ours is written."""
    into = sys.stdout if stream is None else stream
    before = getattr(into, "passing", None)
    if not isinstance(into, Filtered) or before is None:
        yield
        return
    into.passing = which
    try:
        yield
    finally:
        into.passing = before


def install() -> None:
    """Put both in place. A descriptor that was closed becomes /dev/null, so that no file of ours gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout, sys.stderr = _stream(sys.stdout, 1), _stream(sys.stderr, 2)


def did(what: str) -> None:
    """Note that something was done which a lost output must not hide: `apply 3 is done`."""
    _done.append(what)


def lost() -> OSError | None:
    """Return why standard output cannot be written, None where it can."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return None
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.error if isinstance(raw, Tolerant) else None


def encodable(text: str) -> str:
    """Return text with a question mark for what the encoding of standard output does not have."""
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)


def put(text: str, *, color: bool = False) -> None:
    """Write text to standard output, as its encoding has it; with `color`, what it has of that too."""
    with passing(Passing.PALETTE if color else Passing.TEXT):
        sys.stdout.write(encodable(text))


def settle(code: int) -> int:
    """Write what is left, say in one line where it could not be, and return the exit code.

    What a verb has done or found out keeps its code. A reader that had enough (head) is no trouble to one that reads.
    """
    error = lost()
    if error is None or (error.errno == errno.EPIPE and not _done):
        return code
    note = f"; {', '.join(_done)}: {started.spelling().of(_WRITTEN_ALL_THE_SAME)}" if _done else ""
    print(f"hosttune: standard output: {os.strerror(error.errno or 0)}{note}", file=sys.stderr)
    return code if code or _done else _LOST


def _stream(old: TextIO | None, number: int) -> TextIO:
    if old is not None:
        old.flush()
    raw = Tolerant(number, "w", closefd=False)
    return Filtered(
        io.BufferedWriter(raw),
        encoding=old.encoding if old is not None else "utf-8",
        errors="replace" if number == 1 else "backslashreplace",
        line_buffering=number == 2 or raw.isatty(),
    )


def to_file(option: str, path: str, text: str | bytes, mode: int = 0o666) -> None:
    """Write a file that an option names, whole or not at all; raises UsageError where it cannot be written.

    What is no regular file (a device, a pipe) is written to, never replaced. The umask narrows `mode`.
    """
    from hosttune.host import output_file

    data = printable.lines(text).encode("utf-8") if isinstance(text, str) else text
    try:
        sys.stdout.flush()  # the file may be standard output by another name
        output_file.write(path, data, mode)
    except OSError as error:
        why = error.strerror or str(error)
        hint = "; name a file in a directory that you may write" if error.errno in _ELSEWHERE else ""
        raise UsageError(f"{option} {path}: {why}{hint}") from error
