"""What a recorded run comes to."""

from __future__ import annotations

import io
from collections.abc import Iterator

from hosttune.errors import HostError, UsageError
from hosttune.host import named_file
from hosttune.host.reading import read_bounded
from hosttune.model import Account, Record
from hosttune.watching import record
from hosttune.watching.account import account
from hosttune.workflows.record_file import LARGEST

_LONGEST = 1 << 20  # bytes of a line: the names of a host with 1,000 pools have a tenth of it


def report(file: str) -> Account:
    """Return the account of a record that `watch` has kept; raises UsageError where there is none."""
    return account(_read(file))


def _read(path: str) -> Record:
    hint = "name what `hosttune watch --record` wrote"
    try:
        with named_file.opened(path) as (fd, _):
            # a pipe is none either: the looks are counted before they are read
            data = read_bounded(fd, LARGEST, path)
    except (OSError, HostError) as error:
        raise UsageError(f"{path}: {named_file.why(error)}; {hint}") from error
    if not record.is_head(data[: data.find(b"\n") + 1].decode("utf-8", "replace")):
        raise UsageError(f"{path}: not a record; {hint}")
    try:
        recorded = record.read(_lines(data), data.count(b'{"time"'))
    except ValueError as error:
        raise UsageError(f"{path}: {error}; {hint}") from error
    if not recorded.ticks:
        raise UsageError(f"{path}: it has no look yet; record for some seconds more")
    return recorded


def _lines(data: bytes) -> Iterator[str]:
    """Yield the lines; one that is longer than any that a watch writes as a torn one."""
    with io.BytesIO(data) as file:
        while line := file.readline(_LONGEST):
            if len(line) == _LONGEST:
                while line and not line.endswith(b"\n"):
                    line = file.readline(_LONGEST)
                line = b"?"
            yield line.decode("utf-8", "replace")
