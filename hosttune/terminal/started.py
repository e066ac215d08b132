"""How this program was started, and whether its reader is root: so that a command that is printed can be pasted."""

from __future__ import annotations

import os
import re
import shutil
import sys

from hosttune import printable
from hosttune.spelling import PLAIN, Spelling

_NAME = "hosttune"
_OF_SUDO = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Directories that are in sudo's secure_path everywhere; /usr/local/bin is not on Fedora and its kin (sudoers(5))."""


def spelling(root: bool | None = None) -> Spelling:
    """Return how commands are printed to root or another user, this process's if that is not said.

    The plain form where the program was not started as one, as by a library.
    """
    program = _program()
    if not program:
        return PLAIN
    recorded = any(word == "--snapshot" or word.startswith("--snapshot=") for word in sys.argv[1:])
    here = _NAME if _on_path(program) else printable.words(program)
    if os.geteuid() == 0 if root is None else root:
        return Spelling(here, here, "", recorded=recorded)
    if not shutil.which("sudo"):
        return Spelling(here, here, "", alone=True, recorded=recorded)
    found = shutil.which(program[0]) or program[0]
    first = program[0] if os.path.dirname(found) in _OF_SUDO else os.path.abspath(found)
    of_root = printable.words([first, *program[1:]])
    if here == _NAME and os.path.dirname(shutil.which(_NAME) or "") in _OF_SUDO:
        of_root = _NAME
    return Spelling(here, of_root, recorded=recorded)


def _program() -> list[str]:
    """Return the words that start this program again; [] where that is not known."""
    started, options = sys.argv[0] if sys.argv else "", sys.orig_argv[1:]
    module = getattr(getattr(sys.modules.get("__main__"), "__spec__", None), "name", "")
    if module == f"{_NAME}.__main__":
        if "-m" not in options:
            return [sys.executable, "-m", _NAME]
        return [sys.executable, *options[: options.index("-m")], "-m", _NAME]
    # a directory of that name is no program, and another program has this one as its library
    if not os.path.isfile(started) or not re.match(rf"{_NAME}\b|.*\.pyz$", os.path.basename(started)):
        return []
    if os.access(started, os.X_OK):
        return [started if "/" in started and started.endswith(".pyz") else os.path.abspath(started)]
    return [sys.executable, started]


def _on_path(program: list[str]) -> bool:
    """Say whether the name alone starts this program."""
    found = shutil.which(_NAME)
    if found is None or not os.path.isfile(found):
        return False
    if program[1:] == ["-m", _NAME]:
        # the script of the same environment, unless a checkout in the working directory came before it
        import hosttune

        own = os.path.dirname(os.path.abspath(found)) == os.path.dirname(os.path.abspath(program[0]))
        return own and os.path.dirname(os.path.dirname(os.path.abspath(hosttune.__file__))) != os.getcwd()
    return len(program) == 1 and os.path.samefile(found, program[0])
