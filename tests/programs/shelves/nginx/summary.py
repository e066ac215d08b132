"""A configuration as lines of text, so that a case shows at a glance what a file comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hosttune.model import Configuration, OwnLimit, Section, Server
from hosttune.programs.configuration import Given
from hosttune.programs.shelves import nginx
from tests.fuzz.memory import Memory

MAIN = "/etc/nginx/nginx.conf"


def read(files: Mapping[str, str], probes: Mapping[str, Any] | None = None, **more: Any) -> Configuration:
    """Return what files come to, the first of which is the main one."""
    return nginx.read(Given(Memory(files, probes), (next(iter(files)),), **more))


def lines(of: Configuration) -> list[str]:
    """Return a line for each entry, section, server, doubt, limit and note."""
    made = [f"mode {of.mode}"] if of.mode else []
    for entry in of.entries:
        made.append(
            f"entry {entry.name} -> {', '.join(entry.leads)}" + f" backlog {entry.backlog}" * bool(entry.backlog)
        )
        made += [_limit(limit) for limit in entry.limits]
    for section in of.sections:
        made += _section(section)
    made += [_limit(limit) for limit in of.limits]
    return [*made, *(f"note {_short(note)}" for note in of.notes)]


def _section(of: Section) -> list[str]:
    words = [f"section {of.name}", "moves on" if of.moves_on else "stays"]
    words += [f"uneven: {_short(of.uneven)}"] if of.uneven else []
    words += [f"growing: {_short(of.growing)}"] if of.growing else []
    return ["; ".join(words), *map(_server, of.servers), *(f"  unknown {_short(one)}" for one in of.unknown)]


def _server(of: Server) -> str:
    backend = of.backend
    words = [f"  {backend}", f"x{of.weight}" if of.weight != 1 else ""]
    words += [f"from {' '.join(backend.sources)}" if backend.sources else ""]
    words += [f"({' '.join(map(str, of.shares))})" if of.shares else ""]
    words += [
        f"{backend.mode}" if backend.mode else "",
        f"{backend.ports[0]}-{backend.ports[1]}" if backend.ports else "",
    ]
    words += [f"most {of.most.most}" if of.most else "", "backup" if of.backup else ""]
    return " ".join(filter(None, words))


def _limit(of: OwnLimit) -> str:
    return f"{of.kind} {of.value}: ({of.value} - {of.kept}) / {of.each} x {of.copies} = {of.most}"


def _short(text: str) -> str:
    return text.replace(f"{MAIN}:", ":").replace("/etc/nginx/", "")
