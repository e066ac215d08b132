"""What the files of a process in /proc say, one reader each: of text, whoever has read it (proc(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WHOLE = ["0", "0", "4294967295"]  # the map of the initial user namespace, user_namespaces(7)


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat says (proc_pid_stat(5)): ticks are hundredths of a second, `started` ticks since boot.

    A number that is not there is -1, and `started` "".
    """

    name: str
    parent: int
    terminal: int
    ticks: int
    system_ticks: int
    threads: int
    started: str


def stat(text: str) -> Stat | None:
    """Return what the text of /proc/PID/stat says, None where it is no such text."""
    # the command's name, in brackets, may hold blanks and brackets: count from the last one
    head, bracket, rest = text.rpartition(")")
    fields = [*rest.split()[:20], *[""] * 20][:20]
    numbers = [int(field) if re.fullmatch("[0-9]{1,20}", field) else -1 for field in fields]
    if not bracket:
        return None
    user, system = numbers[11:13]
    started = fields[19] if numbers[19] >= 0 else ""
    return Stat(head.partition("(")[2], numbers[1], numbers[4], user + system, system, numbers[17], started)


def status(text: str) -> dict[str, str]:
    """Return the rows of /proc/PID/status, or of another file of NAME: VALUE lines, by name."""
    rows = (line.partition(":") for line in text.split("\n"))
    return {name: value.strip() for name, colon, value in rows if colon}


def kib(value: str | None) -> int | None:
    """Return the bytes of a value such as `2048 kB`, None for anything else."""
    match = re.fullmatch(r"(\d+) kB", value or "")
    return int(match[1]) * 1024 if match else None


def capabilities(rows: dict[str, str], uid_map: str) -> int | None:
    """Return the effective capabilities that count on the host, of the rows of /proc/PID/status; None: not known.

    capable() asks in the initial user namespace: root of a namespace of its own has none (user_namespaces(7)).
    """
    held = rows.get("CapEff", "")
    if not re.fullmatch("[0-9a-f]{1,16}", held):
        return None
    return int(held, 16) if uid_map.split() == _WHOLE else 0


def groups(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the hierarchies of /proc/PID/cgroup: controllers (none for version 2) and the path (cgroups(7))."""
    for line in text.split("\n"):
        _, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon:
            yield tuple(name for name in controllers.split(",") if name), path


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /proc/PID/mounts or mountinfo; `root` is what of its file system is there, "" in the former."""

    place: str
    type: str
    options: tuple[str, ...]
    root: str = ""


def mounts(text: str) -> list[Mount]:
    """Return the rows of /proc/PID/mounts (proc_pid_mounts(5)), the oldest first."""
    rows = (line.split(" ") for line in text.split("\n"))
    return [Mount(row[1], row[2], tuple(row[3].split(","))) for row in rows if len(row) > 3]


def mountinfo(text: str) -> list[Mount]:
    """Return the rows of /proc/PID/mountinfo (proc_pid_mountinfo(5)): the type stands behind a dash."""
    rows = (line.split(" ") for line in text.split("\n"))
    return [
        Mount(row[4], row[row.index("-", 6) + 1] if "-" in row[6:-1] else "", tuple(row[5].split(",")), row[3])
        for row in rows
        if len(row) > 5
    ]
