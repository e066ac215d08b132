"""What programs themselves bring to a bound, beside what the kernel decides: data, one row for each number.

Each row is held against the real program by tests/programs, but for a default, which a configuration changes.
"""

from __future__ import annotations

from dataclasses import dataclass

KEPT_BACK = "descriptors that it keeps back from its own maxconn"
PER_THREAD = "descriptors of each of its threads"
PER_ACCEPT = "descriptors that have to be free beside a client's while it is accepted"
IN_EACH = "each of its worker processes accepts"
BACKLOG = "what it passes to listen()"
BINDS_FIRST = "it binds before it connects"


@dataclass(frozen=True, slots=True)
class Trait:
    """One number of a program; `wrapped`: only where it is linked with TCP wrappers.

    `source` names the program's own file, `seen` the version that was tried.
    """

    program: str
    what: str
    value: int
    source: str
    seen: str
    wrapped: bool = False


_TRAITS = (
    # where no maxconn is set it reckons one from nofile, less these and its listeners: two descriptors a connection
    Trait("haproxy", KEPT_BACK, 10, "src/haproxy.c, compute_ideal_maxconn(), global.maxsock", "2.6.12"),
    # an epoll and the two ends of a pipe
    Trait("haproxy", PER_THREAD, 3, "src/haproxy.c, compute_ideal_maxconn()", "2.6.12"),
    # libwrap opens /etc/hosts.allow for every client, and takes a file that it cannot open for a refusal
    Trait(
        "mosquitto", PER_ACCEPT, 1, "src/net.c, net__socket_accept(); libwrap, hosts_access(3)", "2.0.11", wrapped=True
    ),
    Trait("mosquitto", BACKLOG, 100, "src/net.c, net__socket_listen_tcp()", "2.0.11"),
    Trait("nginx", IN_EACH, 1, "src/event/ngx_event_accept.c", "1.22.1"),
    Trait("nginx", BACKLOG, 511, "src/os/unix/ngx_linux_config.h, NGX_LISTEN_BACKLOG; a default", "1.22.1"),
    Trait("tsung", BINDS_FIRST, 1, "src/tsung/ts_tcp.erl, {ip, Address}", "1.7.0"),
)


def bare(program: str) -> str:
    """Return the name of a program that a process, a unit, a path or one of several instances stands for."""
    return program.rpartition("/")[2].removesuffix(".service").partition("@")[0]


def trait(program: str, what: str) -> Trait | None:
    """Return what is known of a program, None where nothing is."""
    return next((row for row in _TRAITS if (row.program, row.what) == (bare(program), what)), None)


def number(program: str, what: str) -> int:
    """Return the same as a number, 0 where nothing is known."""
    found = trait(program, what)
    return found.value if found else 0


def having(what: str) -> tuple[str, ...]:
    """Return the programs of which something is known."""
    return tuple(row.program for row in _TRAITS if row.what == what)
