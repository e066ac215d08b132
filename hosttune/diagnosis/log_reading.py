"""Find the well-known lines in a program's log: what each is a sign of is in _lines.py and _lines_host.py."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import replace

from hosttune.diagnosis import host_lines, program_lines
from hosttune.diagnosis.log_line import Line
from hosttune.model import LogHit

_REACH = 2048  # bytes of a line that are looked at, before what was found and behind it
_SHOWN = 160
_MOST = 100_000  # marks: what stalls now is in the last of them, and to look at so many takes a second
_UNSAFE = re.compile(r"[^\x20-\x7e\xa1-\ud7ff\ue000-\uffff]|[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

LINES = (*program_lines.LINES, *host_lines.LINES)
"""The first that fits wins: those of one program stand above those of any."""

_ALL = {line.mark for line in LINES}
_MARKS = tuple(mark.encode() for mark in sorted(_ALL) if not any(other in mark for other in _ALL - {mark}))
"""What is sought: where a mark has a shorter one in it, the shorter one finds both."""


def recognise(data: bytes) -> tuple[LogHit, ...]:
    """Return each kind of line that is known, the first as it stands, how often it came, the numbers of the last.

    `data` is a whole log, or its end; it may be of any bytes. Of one that is full of such lines the last are looked at.
    """
    found: dict[Line, LogHit] = {}
    for text in _marked(_last(data)):
        for line in LINES:
            match = line.pattern.search(text) if line.mark in text else None
            if not match:
                continue
            if line.causes:
                numbers = {name: int(value) for name, value in match.groupdict().items() if value}
                hit = found.get(line) or LogHit(
                    line.program, line.causes, _shown(text, match), 0, line.errno, line.call
                )
                found[line] = replace(hit, count=hit.count + 1, numbers=numbers)
            break
    return tuple(found.values())


def _last(data: bytes) -> bytes:
    """Return the end of the data that has no more marks than are looked at."""
    while sum(data.count(mark) for mark in _MARKS) > _MOST:
        data = data[len(data) // 2 :]
    return data


def _marked(data: bytes) -> Iterator[str]:
    """Yield each line that has a mark in it, once; of a very long one what lies about the mark."""
    end = 0
    for at in heapq.merge(*(_places(data, mark) for mark in _MARKS)):
        if at < end:
            continue
        low = max(end, at - _REACH)
        start = max(data.rfind(b"\n", low, at) + 1, low)
        stop = data.find(b"\n", at, at + _REACH)
        end = stop if stop >= 0 else min(at + _REACH, len(data))
        yield data[start:end].decode("utf-8", "replace")


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + len(mark))


def _shown(text: str, match: re.Match[str]) -> str:
    """Return the line, or what lies about the match where the line is long, safe to print."""
    start = 0 if match.end() <= _SHOWN else max(match.end() - _SHOWN, 0)
    return _UNSAFE.sub("?", text[start : start + _SHOWN].strip())
