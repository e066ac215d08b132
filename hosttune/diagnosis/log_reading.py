"""Find the well-known lines in a log: which they are, and what each is a sign of, is known of the programs."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from hosttune.diagnosis import stamps
from hosttune.model import LogHit
from hosttune.model.programs import KnownProgram, LogLine

_REACH = 2048  # bytes of a line that are looked at, before what was found and behind it
_SHOWN = 160
_MOST = 100_000  # marks: what stalls now is in the last of them, and to look at so many takes a second
_BLOCK = 1 << 19  # bytes of which the marks are counted at once: no more of them than are looked at
_UNSAFE = re.compile(r"[^\x20-\x7e\xa1-\ud7ff\ue000-\uffff]|[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def recognise(data: bytes, programs: Iterable[KnownProgram], written: int | None = None) -> tuple[LogHit, ...]:
    """Return each kind of line that is known, the first as it stands, how often it came, the numbers of the last.

    `data` is a whole log, or its end; it may be of any bytes. Of one that is full of such lines the last are looked at.
    Of the lines of all programs the first that fits wins: those of one program are to come before those of any.
    `written` is when the log was written last, in seconds since 1970, None where that is not known.
    """
    rows = [(known.name, row) for known in programs for row in known.log]
    patterns = [re.compile(row.expression) for _, row in rows]
    marked = _rows_by_mark(row.sought for _, row in rows)
    marks = _marks(set(marked))
    hits: dict[int, LogHit] = {}
    for text in _marked(_last(data, marks), marks):
        matches = ((key, patterns[key].search(text)) for key in _near(text, marked))
        key, match = next(((key, match) for key, match in matches if match), (0, None))
        if match and rows[key][1].causes:
            hit = hits.get(key) or _hit(*rows[key], _shown(text, match))
            numbers = {name: int(value) for name, value in match.groupdict().items() if value}
            last = stamps.latest(text, written)
            hits[key] = replace(hit, count=hit.count + 1, numbers=numbers, written=last)
    return tuple(hits.values())


def _rows_by_mark(sought: Iterable[tuple[str, ...]]) -> dict[str, list[int]]:
    """Return the rows that have a mark, by mark, each row by its number."""
    found: dict[str, list[int]] = {}
    for key, marks in enumerate(sought):
        for mark in marks:
            found.setdefault(mark, []).append(key)
    return found


def _near(text: str, marked: Mapping[str, list[int]]) -> list[int]:
    """Return the rows of which a mark is in a line, in order."""
    # most lines have none or one: a loop that is as plain as this is three times as fast as one over the rows
    return sorted({key for mark in marked if mark in text for key in marked[mark]})


def knows(programs: Iterable[KnownProgram]) -> Callable[[str], bool]:
    """Return what says whether a line is one that is known, as a sign of something or of nothing."""
    rows = [row for known in programs for row in known.log]
    patterns, marked = [re.compile(row.expression) for row in rows], _rows_by_mark(row.sought for row in rows)
    return lambda text: any(patterns[key].search(text) for key in _near(text, marked))


def _hit(program: str, row: LogLine, line: str) -> LogHit:
    return LogHit(program, row.causes, line, 0, row.errno, row.call)


def _marks(every: set[str]) -> tuple[bytes, ...]:
    """Return what is sought: where a mark has a shorter one in it, the shorter one finds both."""
    return tuple(mark.encode() for mark in sorted(every) if not any(other in mark for other in every - {mark}))


def _last(data: bytes, marks: tuple[bytes, ...]) -> bytes:
    """Return the end of the data that has no more marks than are looked at, by whole blocks."""
    start, seen = len(data), 0
    while start > 0:
        block = max(start - _BLOCK, 0)
        seen += sum(data.count(mark, block, start) for mark in marks)
        if seen > _MOST:
            break
        start = block
    return data[start:] if start < len(data) else data[-_BLOCK:]


def _marked(data: bytes, marks: tuple[bytes, ...]) -> Iterator[str]:
    """Yield each line that has a mark in it, once; of a very long one what lies about the mark."""
    end = 0
    for at in heapq.merge(*(_places(data, mark) for mark in marks)):
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
