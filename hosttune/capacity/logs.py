"""What a program writes to its log when it meets a bound: data, one row for each line that was seen.

Each row is held against the real program by tests/programs; a line that nobody has made appear is not listed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hosttune.capacity import known_programs
from hosttune.model import BindMode

# which of a program's lines it is, where what is known of it decides that
ANY_TIME, SILENT, START, MET, WRAPPED, PLAIN = "", "silent", "start", "met", "wrapped", "plain"

ANY = "…"
"""Stands in a line for what differs from one host, backend or client to the next."""

OR = " or: "
"""Stands between lines of which either may come."""

_LATE = frozenset({BindMode.CONNECT, BindMode.NO_PORT})  # the port is sought by connect()


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of one program at one kind of bound; `modes` empty: however it gets its ports.

    `bound` is a bound's id up to its colon, `when` what else decides: at its start or met later, with TCP wrappers or
    without. `source` names the program's own file, `seen` the version that wrote it.
    """

    program: str
    bound: str
    modes: frozenset[BindMode]
    line: str
    source: str
    seen: str
    when: str = ANY_TIME


LINES = (
    LogLine(
        "haproxy",
        "ports",
        _LATE,
        "Connect() failed for backend …: no free ports.",
        "src/proto_tcp.c, tcp_connect_server()",
        "2.6.12",
    ),
    LogLine(
        "haproxy",
        "ports",
        frozenset({BindMode.EXPLICIT}),
        "Cannot bind to source address before connect() for backend ….",
        "src/proto_tcp.c, tcp_connect_server()",
        "2.6.12",
    ),
    # maxconn beyond the limit: refused at the start, or, with no strict-limits, met later; without maxconn it
    # reckons one from the limit, and says nothing at all when that many are open
    LogLine(
        "haproxy",
        "nofile",
        frozenset(),
        "Cannot raise FD limit to …, limit is ….",
        "src/haproxy.c, main(), where maxconn is beyond the limit",
        "2.6.12",
        START,
    ),
    LogLine(
        "haproxy",
        "nofile",
        frozenset(),
        "Proxy … reached process FD limit (maxsock=…). Please check 'ulimit-n' and restart.",
        "src/sock.c, sock_accept_conn(); src/proto_tcp.c; with no strict-limits",
        "2.6.12",
        MET,
    ),
    LogLine(
        "nginx",
        "ports",
        _LATE,
        "connect() to … failed (99: Cannot assign requested address) while connecting to upstream",
        "src/event/ngx_event_connect.c, ngx_event_connect_peer()",
        "1.22.1",
    ),
    # the last descriptor of a worker may be the client's: the client is turned away, whatever other workers have
    LogLine(
        "nginx",
        "nofile",
        frozenset(),
        "socket() failed (24: Too many open files) while connecting to upstream",
        "src/event/ngx_event_connect.c, ngx_event_connect_peer()",
        "1.22.1",
    ),
    LogLine(
        "nginx",
        "nofile",
        frozenset(),
        "accept4() failed (24: Too many open files)",
        "src/event/ngx_event_accept.c, ngx_event_accept()",
        "1.22.1",
    ),
    # built with TCP wrappers, as Debian's is, it opens /etc/hosts.allow for every client: the descriptor that is
    # missing then is that of the file, and libwrap takes a table that it cannot read for a refusal
    LogLine(
        "mosquitto",
        "nofile",
        frozenset(),
        "Client connection from … denied access by tcpd.",
        "src/net.c, net__socket_accept(), built with WITH_WRAP",
        "2.0.11",
        WRAPPED,
    ),
    LogLine(
        "mosquitto",
        "nofile",
        frozenset(),
        'Unable to accept new connection, system socket count has been exceeded. Try increasing "ulimit -n" or '
        "equivalent.",
        "src/net.c, net__socket_accept()",
        "2.0.11",
        PLAIN,
    ),
    LogLine(
        "tsung",
        "ports",
        frozenset({BindMode.BIND}),
        "error_connect_eaddrinuse",
        "src/tsung/ts_client.erl, reconnect(); tsung.log",
        "1.7.0",
    ),
    LogLine(
        "tsung",
        "nofile",
        frozenset(),
        "error_connect_emfile",
        "src/tsung/ts_client.erl, reconnect(); tsung.log",
        "1.7.0",
    ),
)


def log_lines(program: str, bound_id: str, mode: BindMode, when: str = ANY_TIME) -> tuple[str, ...]:
    """Return the lines that a program writes at a bound, the likeliest first; () where none is known.

    `program` is a process's or unit's name, a path, or one of several instances (`haproxy@lb1.service`).
    """
    name, kind = known_programs.bare(program), bound_id.partition(":")[0]
    rows = (r for r in LINES if r.program == name and r.bound == kind)
    return tuple(
        r.line for r in rows if (not r.modes or mode in r.modes) and (ANY_TIME in (r.when, when) or r.when == when)
    )


def log_line(program: str, bound_id: str, mode: BindMode, when: str = ANY_TIME) -> str:
    """Return what to look for in the log as one text, alternatives joined by " or: "; "" where no line is known."""
    return OR.join(log_lines(program, bound_id, mode, when))


def appears(line: str, log: str) -> bool:
    """Say whether a line of the table is in a log, whatever stands for its ellipses."""
    return re.search(".*".join(re.escape(part) for part in line.split(ANY)), log) is not None
