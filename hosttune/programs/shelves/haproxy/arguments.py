"""What HAProxy's command line says of its configuration (src/haproxy.c, init_args(); management manual, 3)."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.programs.command_line import Arguments

_ALONE = ("d", "D", "V", "W", "q", "c", "v")  # their letters may be followed by others: -db, -Ws, -dMx
_PIDS = ("sf", "st")
_VALUE = ("S", "x", "cc")


def command(argv: Sequence[str]) -> Arguments:
    """Return the files of -f and those behind --, the directory of -C, and -n as a line of `global`."""
    paths: list[str] = []
    prefix, maxconn = "", ""
    words = list(argv[1:])
    while words:
        flag = words.pop(0)
        if flag == "--":
            paths += words
            break
        if not flag.startswith("-") or len(flag) < 2:
            continue
        name = flag[1:]
        if name in _PIDS:
            while words and not words[0].startswith("-"):
                words.pop(0)
        elif name in _VALUE:
            words[:1] = []
        elif name[0] not in _ALONE:
            value = words.pop(0) if words else ""
            if name[0] == "f" and value:
                paths.append(value)
            elif name[0] == "C":
                prefix = value
            elif name[0] == "n":
                maxconn = value
    overrides = (f"maxconn {int(maxconn)}",) if maxconn.isascii() and maxconn.isdigit() and int(maxconn) else ()
    return Arguments(tuple(paths), prefix, overrides, environment=True, enters=bool(prefix))
