"""The files that hosttune writes: each a list of settings under a header, rewritten whole from them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from hosttune.model import FileState

MARK = "# Written by hosttune"
HEADER = (
    f"{MARK}; `hosttune history` says when, `hosttune rollback` undoes it.\n"
    "# Put your own settings into another file: the next apply may rewrite this one.\n"
)

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, and the comment above it."""

    text: str
    why: str = ""


def is_ours(text: str) -> bool:
    """Say whether hosttune wrote a file."""
    return text.startswith(MARK)


def render(lines: Mapping[str, Line], section: str = "", like: str = "") -> str:
    """Return the text of a file; line ends are those of `like`, the file that it replaces."""
    made = [HEADER]
    if section:
        made.append(f"[{section}]\n")
    above = ""
    for line in lines.values():
        if line.why and line.why != above:
            # pam_limits of Debian 12 takes a line of over 1,023 bytes for several
            made.append(f"# {textwrap.shorten(line.why, _LONGEST, placeholder=' ...')}\n")
        above = line.why
        made.append(line.text + "\n")
    text = "".join(made)
    return text.replace("\n", "\r\n") if like.partition("\n")[0].endswith("\r") else text


def parse(text: str, key: re.Pattern[str]) -> dict[str, Line]:
    """Return the lines of a file of ours by what they set; group 1 of `key` is that. Others are not kept."""
    lines: dict[str, Line] = {}
    why = ""
    for line in _lines(text):
        named = key.fullmatch(line)
        if named:
            lines.pop(named[1], None)
            lines[named[1]] = Line(line, why)
        why = line[2:] if line.startswith("# ") and line not in HEADER else ""
    return lines


def has_more(text: str, key: re.Pattern[str], section: str = "") -> bool:
    """Say whether a file of ours holds lines that hosttune did not write: rewriting it would lose them."""
    plain = (line for line in _lines(text) if line and line[0] != "#" and line != f"[{section}]")
    return any(not key.fullmatch(line) for line in plain)


def _lines(text: str) -> list[str]:
    """Return the lines as all loaders end them, and no other way: within a value U+2028 does not end one."""
    return [line.strip(" \t") for line in text.replace("\r", "\n").replace("\0", "\n").split("\n")]


SYSCTL = re.compile(r"([A-Za-z0-9_./-]+) = .*")
LIMITS = re.compile(r"(\S+ (?:soft|hard) nofile) [0-9]+")
MODULE = re.compile(r"([A-Za-z0-9_-]+)")
UNIT = re.compile(r"(LimitNOFILE)=.*")
MANAGER = re.compile(r"(DefaultLimitNOFILE)=.*")


def file_state(text: str, before: FileState | None) -> FileState:
    """Return the new state of a file: owner, mode and labels of the one it replaces."""
    if before is None:
        return FileState(text)
    return FileState(text, before.mode, before.uid, before.gid, before.attributes)
