"""How systemd splits a setting into words, and fills in specifiers and variables.

Read for systemd 247 to 257: src/basic/extract-word.c, escape.c, env-util.c, src/shared/specifier.c (systemd.syntax(7),
systemd.unit(5) "Specifiers", systemd.service(5) "Command lines").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_BLANKS = " \t\n\r"
_PIECE = re.compile(
    r"\\(?:x(?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})|(?P<point>u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(?P<sign>.))?"
    r"|[\"']|[ \t\n\r]+|[^\\\"' \t\n\r]+",
    re.DOTALL,
)
_SIGNS = dict(zip("abfnrtvs\\\"'", "\a\b\f\n\r\t\v \\\"'", strict=True))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"\$(?:\$|\{([^}]*)\})")


def words(text: str, plain: bool = False, exact: bool = False) -> Iterator[str]:
    """Yield the words of a setting: quotes go wherever they stand, a backslash escapes as in C, or is left as it is.

    `plain`, for the value of a variable: a backslash takes the next character as it is, and a quote need not be closed.
    `exact`, for Environment=: every escape has to be one. Raises ValueError behind the words before what is wrong.
    """
    word: list[str] | None = None
    quote = ""
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece[0] == "\\":
            piece = piece[1:] if plain else _unescaped(match, exact)
        elif quote:
            piece, quote = ("", "") if piece == quote else (piece, quote)
        elif piece in "\"'":
            piece, quote = "", piece
        elif piece[0] in _BLANKS:
            if word is not None:
                yield "".join(word)
            word = None
            continue
        word = word or []
        word.append(piece)
    if quote and not plain:
        raise ValueError("a quote is not closed")
    if word is not None:
        yield "".join(word)


def _unescaped(match: re.Match[str], exact: bool) -> str:
    """Return what an escape stands for, itself where it is none; raises ValueError there where it has to be one."""
    known = _SIGNS.get(match["sign"]) if match["sign"] is not None else _character(match)
    if known is None and exact:
        raise ValueError(f"{match[0]} is no escape")
    return match[0] if known is None else known


def _character(match: re.Match[str]) -> str | None:
    digits = match["hex"] or match["octal"] or (match["point"] or "0")[1:] or "0"
    number = int(digits, 8 if match["octal"] else 16)
    if number == 0 or number > 0x10FFFF or 0xD800 <= number < 0xE000:
        return None
    return chr(number) if match["point"] or number < 128 else bytes([number]).decode("utf-8", "surrogateescape")


def specified(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its specifiers filled in, those that `values` has by their letter; %% is a percent sign."""
    known = {"%": "%", **values}
    return re.sub(r"%([A-Za-z%])", lambda match: known.get(match[1], match[0]), text)


def of_name(unit: str) -> dict[str, str]:
    """Return the specifiers that the name of a unit decides, and those of the system's directories."""
    stem = unit.rpartition(".")[0] or unit
    prefix, _, instance = stem.partition("@")
    last = prefix.rpartition("-")[2]
    return {
        "n": unit,
        "N": stem,
        "p": prefix,
        "P": _path(prefix),
        "i": instance,
        "I": _path(instance),
        "j": last,
        "J": _path(last),
        "f": f"/{_path(instance or prefix).lstrip('/')}",
        **{"t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "T": "/tmp", "V": "/var/tmp"},
        **{"u": "root", "U": "0", "g": "root", "G": "0", "h": "/root"},
    }


def _path(name: str) -> str:
    """Return a part of a unit's name as what it was escaped from (systemd-escape(1))."""
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), name.replace("-", "/"))


def substituted(argv: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the words of a command with its variables: $NAME alone is as many words as its value has, ${NAME} is one.

    What is not set is nothing; $$ is a dollar sign.
    """
    for word in argv:
        if word.startswith("$") and word[1:2] not in ("{", "$"):
            yield from words(environment.get(word[1:], ""), plain=True)
        else:
            yield _VARIABLE.sub(lambda match: "$" if match[1] is None else environment.get(match[1], ""), word)


def assignment(text: str) -> tuple[str, str] | None:
    """Return name and value of NAME=VALUE, None where that is no assignment."""
    name, equals, value = text.partition("=")
    return (name, value) if equals and _NAME.fullmatch(name) else None
