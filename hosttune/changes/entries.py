"""The files that hosttune writes: each a list of settings under a header, rewritten whole from them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from hosttune.model import FileState

MARK = "# Written by hosttune"
HEADER = (
    f"{MARK}; `hosttune history` says when, `hosttune rollback` takes it back.\n"
    "# Put settings of your own into another file: the next apply may write this one anew.\n"
)
NAMES = ("90-hosttune", "99-hosttune", "99-zz-hosttune", "zz-hosttune", "zzzz-hosttune", "~~hosttune")
"""Names to try, in order: the first that is read late enough to win. Loaders sort them as bytes."""

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of a file, and the comment above it."""

    line: str
    why: str = ""


Settings = Mapping[str, Setting]
"""By what the line sets, in the order in which they are written."""


def is_ours(text: str) -> bool:
    """Say whether hosttune wrote a file."""
    return text.startswith(MARK)


def render(settings: Settings, section: str = "", like: str = "") -> str:
    """Return the text of a file; line ends are those of `like`, the file that it replaces."""
    lines = [HEADER]
    if section:
        lines.append(f"[{section}]\n")
    said = ""
    for setting in settings.values():
        if setting.why and setting.why != said:
            # pam_limits of Debian 12 takes a line of over 1,023 bytes for several
            lines.append(f"# {textwrap.shorten(setting.why, _LONGEST, placeholder=' ...')}\n")
        said = setting.why
        lines.append(setting.line + "\n")
    text = "".join(lines)
    return text.replace("\n", "\r\n") if like.partition("\n")[0].endswith("\r") else text


def parse(text: str, key: re.Pattern[str]) -> dict[str, Setting]:
    """Return the settings of a file of ours; group 1 of `key` is what a line sets. Other lines are not kept."""
    found: dict[str, Setting] = {}
    why = ""
    for line in _lines(text):
        named = key.fullmatch(line)
        if named:
            found.pop(named[1], None)
            found[named[1]] = Setting(line, why)
        why = line[2:] if line.startswith("# ") and line not in HEADER else ""
    return found


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
