"""The grammar of nginx's files: directives that end in ";" or open a block (ngx_conf_read_token(), ngx_conf_file.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What stands at a place where a word may begin; a word has neither space, ";" nor "{" but behind a backslash or a "$".
# What is possessive (++) keeps no way back, which would take memory for each character.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<comment>\#[^\n]*)
    |(?P<mark>[;{}])
    |"(?P<double>(?:[^"\\]++|\\[\s\S])*+)"
    |'(?P<single>(?:[^'\\]++|\\[\s\S])*+)'
    |(?P<word>(?:\\[\s\S]|\$\{*+|[^ \t\r\n;{}"'\\$])(?:\\[\s\S]|\$\{*+|[^ \t\r\n;{\\$]++)*+)""",
    re.X,
)
_SPACE, _COMMENT, _MARK = (_TOKEN.groupindex[name] for name in ("space", "comment", "mark"))
_WORD = _TOKEN.groupindex["word"]
_ESCAPE = re.compile(r"""\\(["'\\trn])""")
_MEANS = {"t": "\t", "r": "\r", "n": "\n"}
_LUA = re.compile(r"--\[(=*)\[|\[(=*)\[|--[^\n]*|\"(?:[^\"\\\n]++|\\[\s\S])*+\"|'(?:[^'\\\n]++|\\[\s\S])*+'|[{}]")
_DEPTH = 64


class GrammarError(Exception):
    """What nginx refuses to read; `line` is where."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line, self.problem = line, problem


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive with its arguments; `block` is what stands in its braces, None where it has none."""

    name: str
    args: tuple[str, ...]
    path: str
    line: int
    block: tuple[Directive, ...] | None = None

    @property
    def where(self) -> str:
        """Its file:line."""
        return f"{self.path}:{self.line}"

    @property
    def inner(self) -> tuple[Directive, ...]:
        """The directives of its block; none where it has no block."""
        return self.block or ()


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing of a file: words that end in `end`, one of ";", "{", "}"; the latter ends a block, without any."""

    words: tuple[str, ...]
    end: str
    line: int


def steps(text: str) -> Iterator[Step]:
    """Yield the directives, and the ends of blocks, as they stand in the text; raises GrammarError at the first fault.

    What is in the braces of a `..._by_lua_block` is Lua, and passed over.
    """
    words: list[str] = []
    at, line, first, end = 0, 1, 1, len(text)
    apart = True  # a word may begin: behind a quoted one stands a space, or what ends the directive
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise GrammarError(line, f"a {text[at]} that is not closed")
        at, kind = match.end(), match.lastindex
        if kind == _SPACE:
            line, apart = line + match[0].count("\n"), True
        elif kind == _MARK:
            mark = match[0]
            if bool(words) == (mark == "}"):
                raise GrammarError(line, f'unexpected "{mark}"')
            yield Step(tuple(words), mark, first if words else line)
            if mark == "{" and words[0].endswith("_by_lua_block"):
                past = _past_lua(text, at, line)
                line, at = line + text.count("\n", at, past), past
                yield Step((), "}", line)
            words, apart = [], True
        elif kind != _COMMENT or not apart:
            if not apart:
                raise GrammarError(line, "no space behind a quoted word")
            first = first if words else line
            word = match[kind or 0]
            words.append(_plain(word))
            if kind != _WORD:
                apart = text[at : at + 1] == ")"
            line += word.count("\n")
    if words:
        raise GrammarError(line, 'the file ends where ";" or "{" is expected')


def _plain(word: str) -> str:
    """Return a word without the backslashes that only keep a sign from its meaning."""
    return _ESCAPE.sub(lambda match: _MEANS.get(match[1], match[1]), word) if "\\" in word else word


def _past_lua(text: str, at: int, line: int) -> int:
    """Return where a block of Lua ends, behind its brace."""
    depth = 1
    while match := _LUA.search(text, at):
        at = match.end()
        level = match[1] if match[1] is not None else match[2]
        if level is not None:
            closed = text.find(f"]{level}]", at)
            at = closed + 1 if closed >= 0 else len(text)
        elif match[0] in "{}":
            depth += 1 if match[0] == "{" else -1
        if not depth:
            return at
    raise GrammarError(line, "a block of Lua that is not closed")


def nested(depth: int, line: int) -> None:
    """Raise GrammarError where blocks lie deeper in each other than any configuration has them."""
    if depth > _DEPTH:
        raise GrammarError(line, f"more than {_DEPTH} blocks in each other")
