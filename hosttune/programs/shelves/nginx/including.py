"""The files of a configuration as one: what `include` names stands where it is included (ngx_conf_include())."""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hosttune.errors import HostError, UsageError
from hosttune.host import named_file
from hosttune.host.live import LiveHost
from hosttune.model import Reason
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.nginx.grammar import Directive, GrammarError, nested, steps

_DIRECTIVES, _DEEP = 500_000, 16
_HARMLESS = ("mime.types", "fastcgi_params", "fastcgi.conf", "uwsgi_params", "scgi_params", "proxy_params")
"""Files of every distribution in which no upstream stands."""
_COMMAND_LINE = "-g"
_MAIN = "nginx.conf"
_EVENTS = re.compile(r"^\s*events\b", re.M)
_MARK = "\ufeff"


@dataclass(slots=True)
class Tree:
    """All directives, those of included files in their places; `files` that were read, in order.

    `notes` say what could not be read, and `unread` where an upstream could have stood in that.
    """

    directives: tuple[Directive, ...] = ()
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def tree(given: Given) -> Tree:
    """Return the configuration, what the command line adds to it first; raises UsageError."""
    reader = _Reader(given, _prefix(given, given.paths[0]))
    own = [_parsed(reader, "\n".join(given.overrides), _COMMAND_LINE, ())] if given.overrides else []
    own += [reader.file(path, path, ()) for path in given.paths]
    reader.tree.directives = tuple(directive for part in own for directive in part)
    return reader.tree


def _prefix(given: Given, path: str) -> str:
    """Return the directory that relative paths are meant from: that of the main file, which may lie above a site's."""
    directory = posixpath.dirname(posixpath.normpath(_absolute(given, path)))
    above = posixpath.dirname(directory)
    if _EVENTS.search(given.text(path)) or not given.host.glob(posixpath.join(glob.escape(above), _MAIN)):
        return directory
    return directory if given.host.glob(posixpath.join(glob.escape(directory), _MAIN)) else above


def _absolute(given: Given, path: str) -> str:
    """Return a path from the root of the host: below another root it is meant from there."""
    live = isinstance(given.host, LiveHost) and given.host.root == "/"
    return posixpath.join(os.getcwd() if live else "/", path)


class _Reader:
    """Reads files, each once, within bounds; `prefix` is the directory of the main file (ngx_process_options())."""

    def __init__(self, given: Given, prefix: str) -> None:
        self._given, self._prefix = given, prefix
        self._known: dict[str, tuple[Directive, ...]] = {}
        self._size: dict[str, int] = {}
        self.directives = 0  # each as often as it is included
        self.tree = Tree()

    def file(self, path: str, shown: str, within: tuple[str, ...]) -> tuple[Directive, ...]:
        """Return the directives of a file; raises UsageError where it cannot be read, or nginx would refuse it."""
        if path in self._known:
            self.directives += self._size[path]
            return self._known[path]
        text = self._given.text(path)
        if text.startswith(_MARK):
            text = text.removeprefix(_MARK)
            self.tree.notes.append(f"{shown}:1: a byte order mark, which nginx takes for part of a word; remove it")
        self.tree.files.append(path)
        before = self.directives
        whole = posixpath.normpath(_absolute(self._given, path))
        self._known[path] = _parsed(self, text, shown, (*within, whole))
        self._size[path] = self.directives - before
        return self._known[path]

    def included(self, pattern: str, where: str, block: str, within: tuple[str, ...]) -> list[Directive]:
        """Return what an include stands for; a file that cannot be read is a note. Raises UsageError for a cycle."""
        wanted = posixpath.normpath(posixpath.join(self._prefix, pattern))
        several = any(sign in wanted for sign in "*?[")
        directives: list[Directive] = []
        for path in self._given.host.glob(wanted) if several else [wanted]:
            if path in within:
                chain = " includes ".join([*within[within.index(path) :], path])
                raise UsageError(f"{where}: {chain}, which has no end; nginx does not start with it")
            problem = self._problem(path, within)
            part: tuple[Directive, ...] = ()
            try:
                part = part if problem else self.file(path, path, within)
            except UsageError as error:
                cause = error.__cause__
                if not isinstance(cause, OSError | HostError):
                    raise
                problem = _why(cause)
            directives += part
            if problem:
                self._missed(f"{where}: include {path}: {problem}; it was not read", path, block)
                at, _, line = where.rpartition(":")
                directives.append(Directive("include", (path, problem), at, int(line)))
        return directives

    def _problem(self, path: str, within: Sequence[str]) -> str:
        if len(within) > _DEEP:
            return f"more than {_DEEP} files include each other"
        self.count(1 + self._size.get(path, 0))
        self.directives -= self._size.get(path, 0)
        return ""

    def count(self, more: int = 1) -> None:
        """Count directives; raises UsageError for too many."""
        self.directives += more
        if self.directives > _DIRECTIVES:
            problem = f"more than {_DIRECTIVES:,} directives with those of the files that it includes"
            raise UsageError(f"{self._given.paths[0]}: {problem}; name the file that has the upstreams")

    def _missed(self, note: str, path: str, block: str) -> None:
        self.tree.notes.append(note)
        if block in ("", "http", "stream") and posixpath.basename(path) not in _HARMLESS:
            self.tree.unread.append(path)


def _why(error: OSError | HostError) -> str:
    reasons = {Reason.ABSENT: "no such file", Reason.NOT_RECORDED: "not in the snapshot"}
    known = reasons.get(error.reason, "") if isinstance(error, HostError) else ""
    return known or named_file.why(error)


def _parsed(reader: _Reader, text: str, path: str, within: tuple[str, ...]) -> tuple[Directive, ...]:
    try:
        return _built(reader, text, path, within)
    except GrammarError as error:
        raise UsageError(f"{path}:{error.line}: {error.problem}; fix it, `nginx -t` shows where") from error


def _built(reader: _Reader, text: str, path: str, within: tuple[str, ...]) -> tuple[Directive, ...]:
    """Return the directives of a text with their blocks; raises GrammarError, and UsageError for an include."""
    open_: list[tuple[tuple[str, ...], int]] = []  # what opened each block
    blocks: list[list[Directive]] = [[]]
    line = 1
    for words, end, line in ((step.words, step.end, step.line) for step in steps(text)):
        reader.count()
        if end == "{":
            nested(len(blocks), line)
            open_.append((words, line))
            blocks.append([])
        elif end == "}":
            if not open_:
                raise GrammarError(line, 'unexpected "}"')
            inner = tuple(blocks.pop())
            opened, at = open_.pop()
            blocks[-1].append(Directive(opened[0], opened[1:], path, at, inner))
        elif words[0] == "include" and len(words) == 2:
            block = open_[-1][0][0] if open_ else ""
            blocks[-1] += reader.included(words[1], f"{path}:{line}", block, within)
        else:
            blocks[-1].append(Directive(words[0], words[1:], path, line))
    if open_:
        raise GrammarError(line, f'the file ends in the block of {open_[-1][0][0]}, where "}}" is expected')
    return tuple(blocks[0])
