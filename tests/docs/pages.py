"""The front page and the pages, as their tests read them: commands, screens, links."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests import verbs
from tests.changes import tree

REPO = Path(__file__).resolve().parents[2]
PAGES = {path.relative_to(REPO).as_posix(): path for path in sorted((REPO / "hosttune/docs").glob("*.md"))}
ALL = {name: REPO / name for name in ("README.md", "tests/README.md")} | PAGES
UPDATE = os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1"
"""Write what is printed into the pages, in place of comparing it with them."""

_SCREEN = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_CODE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:sudo )?hosttune(?: [a-z-].*)?$")
_PIPE = re.compile(r"(head|tail) -n (\d+)")
_END = {"|", ">", ">>", "<", "&&", ";", "2>"}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each `hosttune` command in the code of a page, up to a pipe or redirection."""
    code = [line for line in _code_lines(text)]
    code += [" ".join(found.split()) for found in _CODE.findall(_FENCED.sub("", text)) if not found.startswith(" ")]
    for line in code:
        command = line.strip().removeprefix("$ ")
        if not _COMMAND.match(command):
            continue
        lexer = shlex.shlex(command.removeprefix("sudo "), posix=True, punctuation_chars="|<>&;()")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words: list[str] = []
        for word in lexer:
            if word in _END or word[0] in "|<>&;(":
                break
            words.append(word)
        yield words[1:]


def _code_lines(text: str) -> Iterator[str]:
    """Yield the lines of blocks of code, those that end with a backslash joined."""
    fenced = "".join(_FENCED.findall(text))
    indented = "\n".join(line for line in _FENCED.sub("", text).splitlines() if line.startswith("    "))
    yield from re.sub(r" *\\\n *", " ", f"{fenced}\n{indented}").splitlines()


def links(text: str) -> list[str]:
    """Return what the links of a page lead to, without their fragments."""
    return [found.partition("#")[0] for found in _LINK.findall(_CODE.sub("", _FENCED.sub("", text)))]


def place(into: Path) -> Path:
    """Make the directory in which the screens are made: the recorded hosts, and an image without a kernel."""
    others = (REPO / "tests/fuzz/samples/stalled.json", REPO / "tests/docs/node.json")
    for path in (*(REPO / "tests/hosts").glob("*.json"), *others):
        shutil.copy(path, into / path.name)
    tree.unbooted(into)
    return into


def screens(text: str) -> list[str]:
    """Return what each block marked `console` holds."""
    return _SCREEN.findall(text)


def printed(screen: str, cwd: Path) -> str:
    """Return a screen as it is printed now: each command that it begins a line of, with its output."""
    told = [f"$ {command}\n{run(command, cwd)}" for command in re.findall(r"^\$ (.+)$", screen, re.M)]
    return "\n".join(told)


def renewed(text: str, cwd: Path) -> str:
    """Return a page with all its screens as they are printed now."""
    return _SCREEN.sub(lambda found: f"```console\n{printed(found[1], cwd)}```", text)


def run(command: str, cwd: Path) -> str:
    """Return what a command of a screen prints at 80 columns; it may end in `| head -n N` or `| tail -n N`."""
    line, _, pipe = command.partition(" | ")
    words = shlex.split(line)
    assert words[0] == "hosttune", command
    done = verbs.hosttune(*words[1:], env=_environment(), cwd=cwd)
    assert not done.stderr, f"{command}: {done.stderr}"
    lines = [row.rstrip() for row in done.stdout.splitlines()]
    if pipe:
        found = _PIPE.fullmatch(pipe)
        assert found, command
        lines = lines[: int(found[2])] if found[1] == "head" else lines[-int(found[2]) :]
    while lines and not lines[-1]:
        lines.pop()
    return "".join(f"{row}\n" for row in lines)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    return kept | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def options(words: Sequence[str]) -> list[str]:
    """Return arguments without what a page leaves open: "..." and "[ID]"."""
    return [word for word in words if not word.startswith(("...", "["))]
