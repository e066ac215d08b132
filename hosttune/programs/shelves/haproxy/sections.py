"""An haproxy.cfg as it is written: its sections, the words of each line with its place, and what servers inherit."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

_KINDS = frozenset(
    {"global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist", "program", "cache"}
)
WITH_SERVERS = ("backend", "listen")
WITH_DEFAULTS = ("defaults", *WITH_SERVERS)


@dataclass(frozen=True, slots=True)
class Directive:
    """One line in words; no words, and `wrong` why, where it cannot be taken apart. `where` is file:line."""

    where: str
    words: tuple[str, ...]
    wrong: str = ""

    @property
    def name(self) -> str:
        return self.words[0] if self.words else ""

    def after(self, key: str, start: int = 0) -> str:
        """Return the word behind a key word, "" where there is none."""
        words = self.words[start:]
        return next((words[i + 1] for i, word in enumerate(words[:-1]) if word == key), "")


@dataclass(frozen=True, slots=True)
class Section:
    """A section's lines, without the one that names it; what stands before any section is one of no kind."""

    kind: str
    directives: tuple[Directive, ...]

    def named(self, name: str) -> Iterator[Directive]:
        """Yield the lines of one name."""
        return (directive for directive in self.directives if directive.name == name)


@dataclass(frozen=True, slots=True)
class Server:
    """A server or server-template line, with what holds for it where it says nothing itself.

    `source` is from a line `source` or default-server, whichever came last, `defaults` the words of default-server.
    """

    directive: Directive
    source: str = ""
    defaults: tuple[str, ...] = ()

    @property
    def is_template(self) -> bool:
        return self.directive.name == "server-template"


def read(path: str, text: str) -> tuple[Section, ...]:
    """Return the sections of a file, in order."""
    sections: list[tuple[str, list[Directive]]] = [("", [])]
    for number, line in enumerate(text.split("\n"), 1):
        directive = _directive(f"{path}:{number}", line)
        if directive.name in _KINDS:
            sections.append((directive.name, []))
        elif directive.words or directive.wrong:
            sections[-1][1].append(directive)
    return tuple(Section(kind, tuple(directives)) for kind, directives in sections)


def _directive(where: str, line: str) -> Directive:
    try:
        return Directive(where, tuple(shlex.split(line, comments=True)))
    except ValueError as error:
        return Directive(where, (), str(error))


def servers(sections: tuple[Section, ...]) -> Iterator[Server]:
    """Yield every server; each defaults section begins anew, and what follows it inherits from it."""
    inherited = Server(Directive("", ()))
    for section in sections:
        now = Server(Directive("", ())) if section.kind == "defaults" else inherited
        for directive in section.directives if section.kind in WITH_DEFAULTS else ():
            if directive.name in ("source", "default-server"):
                now = _given(now, directive)
            elif directive.name in ("server", "server-template") and section.kind in WITH_SERVERS:
                yield replace(now, directive=directive)
        if section.kind == "defaults":
            inherited = now


def _given(now: Server, directive: Directive) -> Server:
    if directive.name == "source":
        return replace(now, source="".join(directive.words[1:2]) or now.source)
    return replace(now, source=directive.after("source") or now.source, defaults=directive.words[1:])
