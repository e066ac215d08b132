"""Lines of a log that nobody knows and that look like errors: a person sees them, and that they were not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hosttune.model import GivenLog, UnreadLine

_MOST, _FEWEST = 5, 3  # lines that are shown: of those that look like errors, else of the end
_LOOKED = 20_000  # lines from the end that are looked at: what stalls now is there
_TRIED = 400  # lines that look like errors and are held against all that is known
_SHOWN, _REACH = 160, 2048  # letters of a line that are shown, and that are looked at
_WORDS = re.compile(
    r"\b(?:err(?:or|ors|no)?|fail(?:ed|ure|ures|s|ing)?|cannot|can['\u2019]?t|could ?n[o'\u2019]t|unable|refus\w+"
    r"|exceed\w*|limit(?:ed|s)?|max(?:imum)?|too many|overflow\w*|drop(?:ped|ping|s)?|exhaust\w*|drained|depleted"
    r"|denied|reject\w*|panic\w*|fatal|abort\w*|crash\w*|timed? ?out|unavailable|no (?:more|free)|out of"
    r"|not enough|insufficient)\b",
    re.IGNORECASE,
)
_LEVELS = re.compile(
    r"\b(?:ERROR|ERR|CRIT(?:ICAL)?|ALERT|EMERG|FATAL|SEVERE|WARN(?:ING)?)\b|^[EF]\d{4} |^<[0-4]>"
    r"|\[(?:E|W|error|crit|alert|emerg)\]|\blevel=(?:err|error|crit|fatal|warn)"
    r'|"level": ?"(?:err|error|crit|fatal|warn|warning)"'
)
_NONE = re.compile(
    r"\b(?:0|no|without) (?:err(?:or)?s?|failures?|drops?)\b"
    r"|\b(?:errors?|failed|failures|dropped|drops|rejected)\b\W{1,3}0\b",
    re.IGNORECASE,
)
"""A count of none: `0 errors`, `dropped=0`."""

_NOUNS = r"(?:clients?|connections?|sessions?|conns?|peers?|users?|devices?|sockets?)"
_COUNT = re.compile(
    rf"\b{_NOUNS}\W{{0,3}}(?:#|number |no\.? ?)?(\d{{2,9}})\b(?![.:]\d)|(?<![\w.:/-])(\d{{2,9}}) {_NOUNS}\b",
    re.IGNORECASE,
)
_UNSAFE = re.compile(
    r"[^\x20-\x7e\xa1-\xac\xae-\u034e\u0370-\u115e\u1161-\u17af\u1800-\u1fff"
    r"\u2010-\u2027\u2030-\u205e\u2070-\ud7ff]"
)


def unread(name: str, data: bytes, known: Callable[[str], bool], whole: bool) -> GivenLog:
    """Return what of a log was given and not understood: the last lines that look like errors, else the very last ones.

    `known` says whether a line is one that is known; `whole`: the data is the log from its beginning, so that lines
    have numbers of their own; otherwise they count from the end, -1 is the last one. Lines that differ in numbers only
    are one, the last of them, with how often they came.
    """
    total = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    last: list[UnreadLine] = []
    wrong: dict[str, UnreadLine] = {}
    tried = 0
    for back, text in enumerate(_backwards(data), 1):
        number = total - back + 1 if whole else -back
        if not text.strip():
            continue
        if len(last) < _FEWEST:
            last.append(UnreadLine(number, _shown(text)))
        if _looks_wrong(text) and tried < _TRIED:
            tried += 1
            shape = re.sub(r"\d+", "0", text)[:_REACH]
            if shape in wrong:
                one = wrong[shape]
                wrong[shape] = UnreadLine(one.number, one.text, one.count + 1)
            elif len(wrong) < _MOST and not known(text):
                wrong[shape] = UnreadLine(number, _shown(text))
    shown = list(wrong.values()) or last
    return GivenLog(name, total, tuple(reversed(shown)), bool(wrong))


def number(log: GivenLog) -> int | None:
    """Return a number of connections that an unread line speaks of, None where none does: offered, never taken."""
    for line in reversed(log.unread):
        match = _COUNT.search(line.text) if log.errors else None
        if match:
            return int(match[1] or match[2])
    return None


def _looks_wrong(text: str) -> bool:
    head = text[:_REACH]
    return bool(_LEVELS.search(head) or _WORDS.search(_NONE.sub("", head)))


def _backwards(data: bytes) -> Iterator[str]:
    """Yield the lines from the last one on, so many as are looked at; of a long one its beginning."""
    end = len(data) - data.endswith(b"\n")
    for _ in range(_LOOKED):
        if end < 0 or not data:
            return
        start = data.rfind(b"\n", 0, end) + 1
        yield data[start : min(end, start + _REACH)].decode("utf-8", "replace")
        end = start - 1


def _shown(text: str) -> str:
    """Return a line in the width of a screen, with escapes for what a terminal would obey."""
    safe = _UNSAFE.sub(lambda match: match[0].encode("unicode_escape", "replace").decode("ascii"), text.strip("\r\n"))
    return safe if len(safe) <= _SHOWN else f"{safe[: _SHOWN - 3]}..."
