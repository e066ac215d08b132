"""Where nginx listens: the sockets that its workers take connections for, and the entries they are (ngx_http.c)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hosttune.programs.shelves.nginx.addresses import numeric
from hosttune.programs.shelves.nginx.grammar import Directive

_BACKLOG = 511  # NGX_LISTEN_BACKLOG, src/os/unix/ngx_linux_config.h
_OWN = re.compile(
    r"bind|backlog=.*|rcvbuf=.*|sndbuf=.*|accept_filter=.*|deferred|ipv6only=.*|reuseport|so_keepalive=.*|"
    r"setfib=.*|fastopen=.*"
)
"""Options with which an address has a socket of its own beside that of all addresses."""
_LISTEN = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::(\d{1,5})(?:-(\d{1,5}))?)?")
_ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Listen:
    """An address that a server listens on; `host` is 0.0.0.0 or :: for all, and the path of a Unix socket."""

    host: str
    port: int
    udp: bool = False
    own: bool = False
    reuseport: bool = False
    backlog: int = 0
    ssl: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("unix:") else self.host
        host = "*" if self.host == "0.0.0.0" else host
        return f"{host}:{self.port}" if self.port else host


def listens(server: Directive, kind: str, most: int) -> tuple[Listen, ...]:
    """Return what a server of http, stream or mail listens on, `most` of it: port 80 where it does not say."""
    rows = [row for row in server.inner if row.name == "listen" and row.args]
    if not rows and kind == "http":
        return (Listen("0.0.0.0", 80),)
    return tuple(itertools.islice((one for row in rows for one in _listen(row)), most))


def _listen(row: Directive) -> Iterator[Listen]:
    text, options = row.args[0], row.args[1:]
    backlog = next((word[8:] for word in options if word.startswith("backlog=")), "")
    about = (
        "udp" in options or "quic" in options,
        any(_OWN.fullmatch(word) for word in options),
        "reuseport" in options,
        int(backlog) if re.fullmatch(r"[0-9]{1,9}", backlog) else 0,
        "ssl" in options or "quic" in options,
    )
    if text.startswith("unix:"):
        yield Listen(text, 0, *about)
        return
    match = _LISTEN.fullmatch(f":{text}" if re.fullmatch(r"\d{1,5}(-\d{1,5})?", text) else text)
    if match is None:
        return
    host = match[1] or "*"
    address = "0.0.0.0" if host == "*" else numeric(host) or host
    first = int(match[2] or 80)
    last = min(int(match[3] or first), 65535)
    yield from (Listen(address, port, *about) for port in range(first, last + 1))


def sockets(every: Iterable[Listen]) -> list[Listen]:
    """Return the sockets of one kind of servers, each once, with its options from wherever they stand.

    Where all addresses of a port have one, an address has another only by an option of its own
    (ngx_http_init_listening()).
    """
    merged: dict[tuple[str, int, bool], Listen] = {}
    for one in every:
        key = (one.host, one.port, one.udp)
        other = merged.get(key, one)
        merged[key] = Listen(
            *key,
            own=one.own or other.own,
            reuseport=one.reuseport or other.reuseport,
            backlog=one.backlog or other.backlog,
        )
    return [one for one in merged.values() if one.own or not _covered(one, merged)]


def variables(own: Iterable[Listen]) -> dict[str, tuple[str, ...]]:
    """Return what $server_addr, $server_port and $scheme can be; an address only where none is all of them."""
    own = tuple(own)
    every = [one for one in own if one.port]
    known = every and not any(one.host in _ANY for one in every)
    return {
        "server_addr": tuple(dict.fromkeys(one.host for one in every)) if known else (),
        "server_port": tuple(dict.fromkeys(str(one.port) for one in every)),
        "scheme": tuple(dict.fromkeys("https" if one.ssl else "http" for one in own)),
    }


def _covered(one: Listen, every: dict[tuple[str, int, bool], Listen]) -> bool:
    """Say whether the socket of all addresses takes its connections."""
    wild = _ANY[":" in one.host]
    return one.host not in _ANY and bool(one.port) and (wild, one.port, one.udp) in every


def backlogs(every: Iterable[Listen]) -> dict[tuple[str, int], int]:
    """Return the backlogs that are configured, by address: wherever one stands, it is that of the socket."""
    return {(one.host, one.port): one.backlog for one in every if one.backlog}


def backlog(own: Iterable[Listen], configured: Mapping[tuple[str, int], int]) -> int:
    """Return the least backlog of what a server listens on, 0 where none of it is configured."""
    sizes = [configured.get((one.host, one.port), 0) for one in own if not one.udp]
    return min((size or _BACKLOG for size in sizes), default=0) if any(sizes) else 0
