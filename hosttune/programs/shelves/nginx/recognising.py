"""Whether a text is nginx's: its blocks stand alone, or it begins with what only its main file has."""

from __future__ import annotations

import re
from contextlib import suppress

from hosttune.programs.shelves.nginx.grammar import GrammarError, steps

# the blocks, and how many words stand between their names and the brace
_BLOCKS = {
    "http": (0, 0),
    "stream": (0, 0),
    "events": (0, 0),
    "mail": (0, 0),
    "server": (0, 0),
    "upstream": (1, 1),
    "location": (1, 2),
    "split_clients": (2, 2),
    "map": (2, 2),
    "geo": (1, 2),
}
_ALONE = ("http", "stream", "events", "mail")
_MAIN = ("include", "load_module", "worker_processes", "worker_rlimit_nofile", "error_log", "pid", "user", "daemon")
_BRACE = re.compile(rf"\b({'|'.join(_BLOCKS)})\b[^;{{}}]{{0,200}}\{{")
_BEGINS = re.compile(rf"(?:\s|#[^\n]*\n)*({'|'.join(_MAIN)})\s")
_FEW = 3


def recognises(text: str) -> bool:
    """Say whether it has a block of nginx, or begins with a directive of its main file.

    A brace of haproxy.cfg is an argument of a line: what stands before it since the line before is more than the name
    of a block.
    """
    if not _BRACE.search(text) and not _BEGINS.match(text):
        return False
    inside = ""
    with suppress(GrammarError):
        for number, step in enumerate(steps(text)):
            if inside and step.end == ";":
                return True
            name = step.words[0] if step.words else ""
            low, high = _BLOCKS.get(name, (1, 0))
            if step.end == "{" and low <= len(step.words) - 1 <= high:
                if name in _ALONE:
                    return True
                inside = name
            elif number == 0 and step.end == ";" and name in _MAIN and len(step.words) <= _FEW:
                return True
    return False
