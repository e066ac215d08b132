"""Change texts a little: what is still nearly what it was gets further than noise does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

LONGEST = 60_000
"""Letters of an input: how long a file may be is for other tests."""

NUMBERS = (
    *("0", "1", "-1", "00", "+5", "0x10", "0b1", "1e3", "1_000", "1,000", "\u0661\u0662", "\u00b2", "0.5", "-0"),
    *("nan", "inf", "1e309"),
    *(str(2**bits + more) for bits in (7, 8, 10, 16, 31, 32, 53, 63, 64, 128) for more in (-1, 0)),
    *("9" * 20, "9" * 41, "9" * 310, "9" * 5000),
)
ODD = (
    *("\x00", "\x07", "\x08", "\t", "\x0b", "\x0c", "\r", "\r\n", "\x1b[31m", "\x1b]0;x\x07", "\x1c", "\x7f"),
    *("\x85", "\x9b2J", "\xa0", "\xad", "\u0130", "\u017f", "\u061c", "\u180e", "\u200b", "\u200d", "\u200f"),
    *("\u2028", "\u2029", "\u202e", "\u2066", "\u3000", "\ufeff", "\ufffe", "\U000e0041", "\U0001f600"),
    *("\udc80", "\udcff", "e\u0301", "\ud7ff"),
)
MARKS = (
    *"=:;,.-+*/\\\"'`$%&#!?@~^|()[]{}<> ",
    *("\\\n", "\n", "\n\n", "--", "..", "::", "%n", "${x}", "]]", "#{"),
)

_TOKEN = re.compile(r"[A-Za-z0-9_]+|[^A-Za-z0-9_\s]")
_NUMBER = re.compile(r"\d+")

Step = Callable[[Random, list[str], Sequence[str]], None]


def times(random: Random) -> int:
    """Return how often an input is changed: seldom not at all, mostly a little, sometimes much."""
    return random.choice((0, 1, 1, 1, 1, 2, 2, 3, 4, 7))


def text(random: Random, sample: str, words: Sequence[str] = (), lines: Sequence[str] = ()) -> str:
    """Return a sample with some changes; `words` and `lines` are such as the format knows."""
    found = sample.split("\n")
    for _ in range(times(random)):
        if lines and random.random() < 0.35:
            found.insert(random.randint(0, len(found)), random.choice(lines))
        else:
            random.choice(_STEPS)(random, found, words)
    return "\n".join(found)[:LONGEST]


def word(random: Random, sample: str, words: Sequence[str] = ()) -> str:
    """Return one word or short line with one change or none."""
    found = [sample]
    if random.random() < 0.8:
        random.choice(_WITHIN)(random, found, words)
    return "\n".join(found)[:LONGEST]


def number(random: Random) -> str:
    """Return a number as it may be written, mostly one at an edge."""
    return random.choice(NUMBERS) if random.random() < 0.7 else str(random.randint(0, 70_000))


def _at(random: Random, lines: list[str]) -> int:
    return random.randrange(len(lines)) if lines else lines.append("") or 0


def _duplicate(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    count = random.choice((1, 1, 1, 2, 40))
    lines[at:at] = lines[at : at + random.choice((1, 1, 3))] * count


def _delete(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    del lines[at : at + random.choice((1, 1, 1, 3))]


def _swap(random: Random, lines: list[str], words: Sequence[str]) -> None:
    one, other = _at(random, lines), _at(random, lines)
    lines[one], lines[other] = lines[other], lines[one]


def _join(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    lines[at : at + 2] = [random.choice(("", " ", "\\", "\r")).join(lines[at : at + 2])]


def _cut(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    lines[at] = lines[at][: random.randint(0, len(lines[at]))]
    if random.random() < 0.2:
        del lines[at + 1 :]


def _numbers(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _holding(random, lines, _NUMBER)
    found = list(_NUMBER.finditer(lines[at]))
    if found:
        one = random.choice(found)
        lines[at] = lines[at][: one.start()] + number(random) + lines[at][one.end() :]


def _token(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _holding(random, lines, _TOKEN)
    found = list(_TOKEN.finditer(lines[at]))
    if found:
        one = random.choice(found)
        new = random.choice(words) if words and random.random() < 0.7 else _other_token(random, lines)
        lines[at] = lines[at][: one.start()] + new + lines[at][one.end() :]


def _other_token(random: Random, lines: list[str]) -> str:
    found = _TOKEN.findall(lines[_at(random, lines)])
    return random.choice(found) if found else random.choice(MARKS)


def _insert(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    where = random.randint(0, len(lines[at]))
    lines[at] = lines[at][:where] + random.choice(random.choice((ODD, MARKS, MARKS))) + lines[at][where:]


def _repeat(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _holding(random, lines, _TOKEN)
    found = list(_TOKEN.finditer(lines[at]))
    if found:
        one = random.choice(found)
        count = random.choice((2, 2, 3, 20, 300, 5000)) if random.random() < 0.5 else 2
        between = random.choice(("", " ", ",", "."))
        lines[at] = (lines[at][: one.start()] + between.join([one[0]] * count) + lines[at][one.end() :])[:LONGEST]


def _blanks(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    lines[at] = random.choice((" ", "\t", "  ", "\xa0")) + lines[at].replace(" ", random.choice(("", "\t", "   ")), 1)


def _case(random: Random, lines: list[str], words: Sequence[str]) -> None:
    at = _at(random, lines)
    lines[at] = random.choice((str.upper, str.lower, str.swapcase, lambda line: line[::-1]))(lines[at])


def _holding(random: Random, lines: list[str], pattern: re.Pattern[str]) -> int:
    """Return a line that the pattern is found in, if a few tries meet one."""
    for _ in range(4):
        at = _at(random, lines)
        if pattern.search(lines[at]):
            break
    return at


_WITHIN: tuple[Step, ...] = (_numbers, _numbers, _token, _token, _insert, _repeat, _blanks, _case, _cut)
_STEPS: tuple[Step, ...] = (*_WITHIN, _duplicate, _delete, _swap, _join)
