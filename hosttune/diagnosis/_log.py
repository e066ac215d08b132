"""Well-known lines of programs' logs, and what each is a sign of: data, one row for each line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hosttune.model import LogHit

_LONGEST = 4096  # characters of a line that are looked at
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one program: what finds it (its named groups are its numbers), and what it is a sign of.

    `source` names where the line comes from: the program's own file, or a public report.
    """

    program: str
    pattern: re.Pattern[str]
    causes: tuple[str, ...]
    source: str
    errno: str = ""
    call: str = ""


def _line(program: str, pattern: str, causes: str, source: str, errno: str = "", call: str = "") -> Line:
    return Line(program, re.compile(pattern), tuple(causes.split()), source, errno, call)


LINES = (
    _line(
        "haproxy",
        r"Connect\(\) failed for backend \S+: no free ports",
        "ports ports-held time-wait",
        "src/proto_tcp.c, tcp_connect_server()",
        "EADDRNOTAVAIL",
        "connect",
    ),
    _line(
        "haproxy",
        r"Proxy \S+ reached process FD limit \(maxsock=(?P<soft>\d+)\)",
        "nofile",
        "src/sock.c, sock_accept_conn()",
        "EMFILE",
        "accept",
    ),
)


def recognise(lines: Iterable[str]) -> tuple[LogHit, ...]:
    """Return each kind of line that is known, with how often it came and the numbers of its last one."""
    found: dict[Line, LogHit] = {}
    for text in lines:
        text = text[:_LONGEST]
        for line in LINES:
            match = line.pattern.search(text)
            if not match:
                continue
            numbers = {name: int(value) for name, value in match.groupdict().items() if value}
            hit = found.get(line) or LogHit(line.program, line.causes, _safe(text), 0, line.errno, line.call)
            found[line] = replace(hit, count=hit.count + 1, numbers=numbers)
            break
    return tuple(found.values())


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:_SHOWN]
