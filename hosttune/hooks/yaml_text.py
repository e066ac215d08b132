"""Text as YAML has it (yaml.org/spec/1.2.2): scalars that no reader takes for anything else, and blocks."""

from __future__ import annotations

from collections.abc import Sequence

_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(text: str) -> str:
    """Return a text in double quotes, in ASCII: whatever is in it, readers of YAML 1.1 and 1.2 get that text."""
    return f'"{"".join(map(_escaped, text))}"'


def listed(words: Sequence[str]) -> str:
    """Return texts as a sequence in one line."""
    return f"[{', '.join(map(quoted, words))}]"


def entry(name: str, text: str) -> list[str]:
    """Return the lines of a mapping's entry: as a literal block where one can hold the text, else in quotes."""
    if is_block(text):
        return [f"{quoted(name)}: |", *(f"  {line}".rstrip() for line in text.splitlines())]
    return [f"{quoted(name)}: {quoted(text)}"]


def is_block(text: str) -> bool:
    """Whether a literal block holds the text: it begins with no blank, ends with one newline, and is printable."""
    plain = all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))
    return plain and text[:1] not in ("", " ", "\n") and text.endswith("\n") and not text.endswith("\n\n")


def _escaped(letter: str) -> str:
    if letter in _NAMED:
        return _NAMED[letter]
    if " " <= letter <= "~":
        return letter
    number = ord(letter)
    return f"\\x{number:02x}" if number < 1 << 8 else f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"
