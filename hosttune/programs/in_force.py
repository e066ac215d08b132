"""A configuration as its program goes by it, where that can be asked: what a process says wins over its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hosttune import registry
from hosttune.errors import HostError
from hosttune.host import Host, text
from hosttune.model import Configuration, Difference
from hosttune.model.programs import bare

_SHELVES = "hosttune.programs.shelves"
_MOST = 16  # processes that are asked

Made = tuple[Configuration, tuple[Difference, ...]]


def of(host: Host, configuration: Configuration, pids: Iterable[int]) -> Made:
    """Return the configuration that is in force, and how it differs from the files; those where nobody can be asked.

    Of the processes those count that were started with these very files, as their command lines say. That a process
    answers nothing is a note of the configuration.
    """
    shelf = registry.load(_SHELVES, configuration.program.replace("-", "_"))
    if not hasattr(shelf, "in_force"):
        return configuration, ()
    for pid in [*pids][:_MOST]:
        words = _command_line(host, pid)
        if not words or bare(words[0]) != configuration.program or not _has(host, pid, words, configuration.files):
            continue
        master = _after(words, "-S").partition(",")[0]
        if not configuration.sockets and not master.startswith("/"):
            continue
        try:
            answers = shelf.asked(host, pid, configuration, master if master.startswith("/") else "")
        except HostError as error:
            unasked = f"what is in force is unknown for process {pid}: {error}; the files are taken as they are"
            return _noted(configuration, unasked), ()
        made: Made = shelf.in_force(configuration, answers)
        return made
    return configuration, ()


def _noted(configuration: Configuration, note: str) -> Configuration:
    return replace(configuration, notes=(*configuration.notes, note))


def _command_line(host: Host, pid: int) -> list[str]:
    return [word for word in text(host, f"/proc/{pid}/cmdline").split("\0") if word]


def _has(host: Host, pid: int, words: Sequence[str], files: Sequence[str]) -> bool:
    """Say whether a command line names all files, each by itself or by its directory."""
    at = host.link(f"/proc/{pid}/cwd")
    named = {os.path.normpath(os.path.join(at, word)) for word in words[1:]}
    every = [os.path.abspath(path) for path in files]
    return all(path in named or os.path.dirname(path) in named for path in every)


def _after(words: Sequence[str], key: str) -> str:
    return next((words[i + 1] for i, word in enumerate(words[:-1]) if word == key), "")
