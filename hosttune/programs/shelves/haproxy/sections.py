"""An haproxy.cfg as it is written: its sections, and the words of each line that counts with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hosttune.errors import UsageError
from hosttune.programs.shelves.haproxy import grammar, words
from hosttune.programs.shelves.haproxy.branches import Branches
from hosttune.programs.shelves.haproxy.environment import Environment
from hosttune.programs.shelves.haproxy.noting import Notes

_SETS = frozenset({"setenv", "presetenv", "unsetenv", "resetenv"})
# their words go through env_expand() once more (src/tools.c, str2sa_range())
_ADDRESSED = frozenset({"server", "server-template", "default-server", "source", "bind", "dispatch", "stats"})
_BLANK = re.compile(r"[ \t\v\f\r]*(?:#|\[|$)")  # a line of blanks, of a comment alone, of a scope (cfg_parse_scope())


@dataclass(frozen=True, slots=True)
class Directive:
    """One line in words; `where` is file:line. A variable that is set nowhere stands in them as ${NAME}."""

    where: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.words[0]

    def after(self, key: str, start: int = 0) -> str:
        """Return the word behind a key word, "" where there is none."""
        words = self.words[start:]
        return next((words[i + 1] for i, word in enumerate(words[:-1]) if word == key), "")


@dataclass(frozen=True, slots=True)
class Section:
    """A section's lines, without the one that names it; what stands before any section is one of no kind.

    `kind` is "" for one that no release up to 3.3 has too. `parent` is the defaults section that it names (`from`).
    """

    kind: str
    name: str = ""
    where: str = ""
    parent: str = ""
    directives: list[Directive] = field(default_factory=list)

    def named(self, name: str) -> Iterator[Directive]:
        """Yield the lines of one name."""
        return (directive for directive in self.directives if directive.name == name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


def read(
    files: Iterable[tuple[str, str]], environment: Environment | None = None, notes: Notes | None = None
) -> tuple[Section, ...]:
    """Return the sections of files, path and text each, in order; raises UsageError where a quote is not closed.

    Any word that begins a section ends the one before. What stands at the left edge, can stand within no section, and
    has indented lines about it, begins one that is not known: it is passed over with a note.
    """
    reader = _Reader(environment or Environment({}), notes or Notes())
    for path, text in files:
        reader.file(path, text)
    return tuple(reader.sections)


class _Reader:
    def __init__(self, environment: Environment, notes: Notes) -> None:
        self._environment, self._notes = environment, notes
        self._branches = Branches(environment, notes)
        self.sections: list[Section] = []
        self._indents = False  # the lines of the section that is open are indented
        self._ever_indents = False  # those of an earlier one are

    def file(self, path: str, text: str) -> None:
        self._open(Section(""))
        self._environment.file = path
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if _BLANK.match(line):
                continue
            where = f"{path}:{number}"
            self._environment.line = number
            found = self._words(where, line)
            if not found:
                continue
            if found[0].startswith("."):
                self._branches.step(where, found)
            elif self._branches.count:
                self._take(Directive(where, found), indented=line[:1] in " \t")
        self._branches.end(f"{path}:{len(lines)}")

    def _words(self, where: str, line: str) -> tuple[str, ...]:
        try:
            if not line.lstrip().startswith("."):
                return words.split(line, self._environment.get)
            return words.split(line, lambda name: self._in_condition(where, name))
        except words.Unclosed as error:
            raise UsageError(f"{where}: {error}; close the quote, HAProxy does not start with it") from error
        except words.Unreadable as error:
            self._notes.add(where, f"{error}: HAProxy does not start with it; passed over")
            return ()

    def _in_condition(self, where: str, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            self._notes.add(where, f"{name} is set nowhere that was read: the condition is taken with nothing for it")
        return value or ""

    def _take(self, line: Directive, indented: bool) -> None:
        name = line.name
        if name in grammar.SECTIONS:
            self._open(_section(line))
        elif self._begins_unknown(name, indented):
            self._open(Section("", name, line.where))
            self._notes.add(line.where, f"{name} begins a section that is not known here; passed over")
        else:
            self._indents |= indented
            if name in _SETS and self.sections[-1].kind == "global":
                self._environment.apply(line.words)
            elif name in _ADDRESSED and any("$" in word for word in line.words):
                expanded = tuple(words.expand(word, self._environment.get) for word in line.words)
                line = Directive(line.where, expanded)
            self.sections[-1].directives.append(line)

    def _begins_unknown(self, name: str, indented: bool) -> bool:
        about = self._indents or (self._ever_indents and not self.sections[-1].directives)
        return about and not indented and not grammar.stands_within(name)

    def _open(self, section: Section) -> None:
        self.sections.append(section)
        self._ever_indents |= self._indents
        self._environment.section = section.name or section.kind
        self._indents = False


def _section(line: Directive) -> Section:
    """Return the section that a line begins: KIND NAME [from PARENT], defaults without a name too."""
    kind, *more = line.words
    name = more[0] if more and not (kind == "defaults" and more[0] == "from" and len(more) == 2) else ""
    rest: Sequence[str] = more[1:] if name else more
    parent = rest[1] if kind in grammar.WITH_DEFAULTS and len(rest) > 1 and rest[0] == "from" else ""
    return Section(kind, name, line.where, parent)
