"""How commands of this program are spelled for whoever reads them.

All that decides, and all that is given to programs, has the plain form: `hosttune VERB ...`, `sudo hosttune VERB ...`
where root is needed. Only what is shown to a person has the form that works as it stands where that person is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

VERBS = (
    "apply",
    "capacity",
    "check",
    "confirm",
    "diagnose",
    "diff",
    "docs",
    "explain",
    "history",
    "hook",
    "plan",
    "profile",
    "prove",
    "report",
    "resolve",
    "rollback",
    "snapshot",
    "sources",
    "watch",
)
"""The verbs of the command line."""
OF_ROOT = (
    "chmod",
    "chown",
    "install",
    "ip",
    "ipvsadm",
    "lsns",
    "mv",
    "nsenter",
    "prlimit",
    "sh",
    "systemctl",
)
"""Other programs that are printed with sudo."""
ELSEWHERE = re.compile(r"(?:\bon the host|^in the container, .*):$")
"""The end of a line before a command for another machine than the reader's: how it is started there is not known."""

_OURS = rf"hosttune(?= (?:{'|'.join(VERBS)}|--help|--version)(?![\w=-]))"
_COMMAND = re.compile(rf"(?<![\w./=-])(?:(?P<sudo>sudo )?{_OURS}|sudo (?=(?:{'|'.join(OF_ROOT)}) ))")
_QUOTED = re.compile(r"`(?P<sudo>sudo )(?P<command>[^`]*)`")


@dataclass(frozen=True, slots=True)
class Spelling:
    """What stands for `hosttune` and for `sudo hosttune` in commands, and for `sudo` before other programs.

    `of_root` is the program as root starts it. `sudo` is "" for a reader who is root, or who has no sudo: with `alone`,
    what needs root says so beside the command. `recorded`: another host is looked at, and what changes that host stays
    as it is. The default leaves everything plain.
    """

    program: str = "hosttune"
    of_root: str = "hosttune"
    sudo: str = "sudo "
    alone: bool = False
    recorded: bool = False

    def of(self, text: str) -> str:
        """Return text, of one or several lines, with the commands in it spelled; a plain one may stand anywhere."""
        if "hosttune " not in text and "sudo " not in text:
            return text
        return "\n".join(self.lines(text.split("\n")))

    def lines(self, given: Iterable[str]) -> Iterator[str]:
        """Yield lines with the commands in them spelled; one for another machine stays plain."""
        before = ""
        for line in given:
            yield line if ELSEWHERE.search(before) else self._line(line)
            before = line

    def _line(self, line: str) -> str:
        if self.alone and not self.recorded:
            line = _QUOTED.sub(lambda found: f"`{found['command']}` as root", line)
        spelled = _COMMAND.sub(self._command, line)
        needs_root = any(found[0].startswith("sudo ") for found in _COMMAND.finditer(line))
        return f"{spelled}  # as root" if self.alone and needs_root and not self.recorded else spelled

    def _command(self, found: re.Match[str]) -> str:
        if not found[0].startswith("sudo "):
            return self.program
        if self.recorded:
            return found[0]
        return f"{self.sudo}{self.of_root if found['sudo'] else ''}"


PLAIN = Spelling()
"""Commands as they are."""
