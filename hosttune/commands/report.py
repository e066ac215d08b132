"""What a recorded run comes to: as Markdown, or as a picture."""

from __future__ import annotations

import os
import stat

from hosttune.commands import _output
from hosttune.errors import UsageError
from hosttune.model import Record
from hosttune.render import _record, _record_svg
from hosttune.watching import record
from hosttune.watching.account import account


def run(path: str, markdown: bool, svg: bool, output: str) -> int:
    """Print the report, or write it to a file; raises UsageError where there is nothing to report."""
    if markdown and svg:
        raise UsageError("--markdown and --svg: choose one of the two, and run it again for the other")
    found = account(_read(path))
    text = _record_svg.render(found) if svg else _record.render(found)
    if output:
        _output.to_file("-o", output, text)
        return 0
    _output.put(text)
    return 0


def _read(path: str) -> Record:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError(f"{path}: not a regular file; name what `hosttune watch --record` wrote")
        with open(path, encoding="utf-8", errors="replace") as file:
            first = file.readline(1 << 20)
            if not record.is_head(first):
                raise UsageError(f"{path}: not a record; name what `hosttune watch --record` wrote")
            file.seek(0)
            found = record.read(file)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise UsageError(f"{path}: {why}; name what `hosttune watch --record` wrote") from error
    if not found.ticks:
        raise UsageError(f"{path}: it has no look yet; record for some seconds more")
    return found
