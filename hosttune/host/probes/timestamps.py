"""Whether the other end has TCP timestamps: without them no tuple in TIME_WAIT can be taken over.

net/ipv4/tcp_ipv4.c tcp_twsk_unique(). An open connection shows it (tcpi_options of struct tcp_info). A tuple in
TIME_WAIT does not; there the kernel is asked whether it may be taken over, by a connection that is never sent:
TCP_FASTOPEN_CONNECT, without a cookie, takes the tuple and leaves the SYN to the first write
(net/ipv4/tcp_fastopen.c tcp_fastopen_defer_connect()), which never comes. What this costs is one socket in TIME_WAIT.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from hosttune import kernel
from hosttune.host import netlink, sock_diag
from hosttune.host.answers import Address, Count
from hosttune.host.probes.sockets import TIMER_WAIT
from hosttune.ports import mask_of, span

MOST = 64
"""Addresses that are looked for: each socket is put to each condition."""
_ENOUGH = 8  # open connections of one address
_LOOKED_AT = 4000  # sockets of a dump: one that is left early goes with its link
_TRIED = 32  # tuples of one address that are asked for: one whose port a bind() owns tells nothing
_INFO, _INFO_BIT = 2, 1 << 1  # INET_DIAG_INFO, include/uapi/linux/inet_diag.h
_OPTIONS, _TIMESTAMPS = 5, 1  # tcpi_options and TCPI_OPT_TIMESTAMPS, include/uapi/linux/tcp.h
_STATE, _TIMER, _EXPIRES = 17, 18, 68  # idiag_state, idiag_timer and idiag_expires, from a message's beginning
_OPEN = sock_diag.FULL & ~(1 << kernel.SYN_SENT)  # what was not answered has no options yet
_FASTOPEN_CONNECT, _FASTOPEN_NO_COOKIE = 30, 34  # TCP_*, include/uapi/linux/tcp.h
_LOCAL_PORT_RANGE, _NO_PORT = 51, 24  # IP_*, include/uapi/linux/in.h
_IPV4 = Path("/proc/sys/net/ipv4")
_OLD_DELAY = 2000  # ms: before Linux 6.14 more than one second, by a clock that counts seconds

_Goal = tuple[bytes, int]


class Stamps(TypedDict):
    """How many connections to an address have timestamps, and how many have none.

    `waiting`: they are in TIME_WAIT, and the kernel was asked whether they may be taken over; else they are open.
    """

    stamped: Count
    bare: Count
    waiting: bool


class _Tuple(TypedDict):
    """A tuple in TIME_WAIT, or `half` closed, and for how many milliseconds it has been."""

    age: int
    half: bool
    source: str
    port: int
    address: str
    to: int


def run(addresses: list[str]) -> dict[Address, Stamps]:
    """Return what each of 64 addresses at most shows, none of those that show nothing; raises HostError."""
    goals = [(ipaddress.ip_address(address).packed, -1) for address in addresses[:MOST]]
    seen = sock_diag.asked(lambda link: _open(link, goals))
    unseen = [goal for goal in goals if sock_diag.readable(goal[0]) not in seen]
    if unseen:
        for address, tuples in sock_diag.asked(lambda link: _waiting(link, unseen)).items():
            answer = next(filter(lambda answer: answer is not None, map(_asked, tuples)), None)
            if answer is not None:
                seen[address] = {"stamped": int(answer), "bare": int(not answer), "waiting": True}
    return seen


def _open(link: sock_diag.Link, goals: list[_Goal]) -> dict[Address, Stamps]:
    """Return what open connections show, each address of its first ones."""
    seen: dict[Address, Stamps] = {}
    if link is None:
        return seen  # /proc shows no options
    for data, start, length in _messages(link, goals, _OPEN, _INFO_BIT):
        info = netlink.attributes(data, start + sock_diag.SMALLEST, start + length).get(_INFO, b"")
        if len(info) <= _OPTIONS:
            continue
        _, _, address, _ = _ends(data, start)
        row = seen.setdefault(address, {"stamped": 0, "bare": 0, "waiting": False})
        row["stamped" if info[_OPTIONS] & _TIMESTAMPS else "bare"] += 1
        if len(seen) == len(goals) and all(row["stamped"] + row["bare"] >= _ENOUGH for row in seen.values()):
            break
    return seen


def _waiting(link: sock_diag.Link, goals: list[_Goal]) -> dict[Address, list[_Tuple]]:
    """Return of each address tuples that have been in TIME_WAIT for long, of those that were looked at."""
    found: dict[Address, list[_Tuple]] = {}
    if link is None or not _quiet():
        return found
    for data, start, _ in _messages(link, goals, 1 << kernel.TIME_WAIT | 1 << kernel.FIN_WAIT2, 0):
        if data[start + _TIMER] != TIMER_WAIT:
            continue  # FIN_WAIT2 that has an owner
        source, port, address, to = _ends(data, start)
        (expires,) = struct.unpack_from("=I", data, start + _EXPIRES)
        age = 1000 * kernel.TIMEWAIT_LEN - expires
        half = data[start + _STATE] != kernel.TIME_WAIT
        row = _Tuple(age=age, half=half, source=source, port=port, address=address, to=to)
        found.setdefault(address, []).append(row)
    return {address: _spread(rows) for address, rows in found.items()}


def _spread(rows: list[_Tuple]) -> list[_Tuple]:
    """Return the oldest tuple, then some of each age: what closed at once was made in one way."""
    rows = sorted(rows, key=lambda row: (not row["half"], row["age"]), reverse=True)
    return rows[:1] + rows[1 :: max(len(rows) // _TRIED, 1)][: _TRIED - 1]


def _messages(
    link: sock_diag.Link, goals: list[_Goal], states: int, extensions: int
) -> Iterator[tuple[bytes, int, int]]:
    """Yield where each socket towards one of the addresses lies in its buffer, up to a bound."""
    for family, _, _ in sock_diag.FAMILIES:
        conditions = sock_diag.towards(goals, family)
        count = 0
        with sock_diag.apart(link) as own:
            dump = sock_diag.dump(own, family, states, sock_diag.either(conditions), extensions=extensions)
            for data, _ in dump if conditions else ():
                for start, length in sock_diag.sockets(data):
                    count += 1
                    yield data, start, length
                if count >= _LOOKED_AT:
                    break


def _ends(data: bytes, start: int) -> tuple[str, int, str, int]:
    size = 4 if data[start + 16] == socket.AF_INET else 16
    port, to = struct.unpack_from("!HH", data, start + 20)
    source, address = (sock_diag.readable(data[at : at + size]) for at in (start + 24, start + 40))
    return source, port, address, to


def _quiet() -> bool:
    """Say whether no SYN would be sent: a kernel that has met a firewall which drops it sends one without data."""
    return _number("tcp_fastopen_blackhole_timeout_sec", 0) == 0


def _asked(row: _Tuple) -> bool | None:
    """Return whether a tuple can be taken over but for the settings of this host, None where that is not shown."""
    answer = _by_bind(row)
    return _by_range(row) if answer is None else answer


def _by_bind(row: _Tuple) -> bool | None:
    """Ask as a program does that chooses its port: neither tcp_tw_reuse nor its delay counts there."""
    with _client(row) as client:
        try:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _defer(client)
            client.bind((row["source"], row["port"]))
        except OSError:
            return None  # the port is not shared: what left the tuple had no SO_REUSEADDR
        return _verdict(client.connect_ex((row["address"], row["to"])))


def _by_range(row: _Tuple) -> bool | None:
    """Ask as connect() does that chooses a port, here of one: only where tcp_tw_reuse and its delay let it."""
    delay = _number("tcp_tw_reuse_delay", _OLD_DELAY)
    if row["half"]:
        return None  # since Linux 6.12 connect() takes over none
    if _number("tcp_tw_reuse", 0) != 1 or row["age"] <= delay or not _chosen_from() >> row["port"] & 1:
        return None
    answer = _connect_of(row, row["to"])
    if answer is False and _connect_of(row, row["to"] % 65535 + 1) is not True:
        return None  # not towards another port either: a bind() owns it
    return answer


def _connect_of(row: _Tuple, to: int) -> bool | None:
    with _client(row) as client:
        try:
            _defer(client)
            client.setsockopt(socket.IPPROTO_IP, _NO_PORT, 1)
            client.setsockopt(socket.IPPROTO_IP, _LOCAL_PORT_RANGE, struct.pack("=I", row["port"] | row["port"] << 16))
            client.bind((row["source"], 0))
        except OSError:
            return None
        answer = _verdict(client.connect_ex((row["address"], to)))
        # a kernel that knows no such range chooses any port
        return answer if not answer or client.getsockname()[1] == row["port"] else None


def _client(row: _Tuple) -> socket.socket:
    client = socket.socket(socket.AF_INET6 if ":" in row["address"] else socket.AF_INET)
    client.setblocking(False)
    return client


def _defer(client: socket.socket) -> None:
    for option in (_FASTOPEN_NO_COOKIE, _FASTOPEN_CONNECT):
        client.setsockopt(socket.IPPROTO_TCP, option, 1)


def _verdict(answer: int) -> bool | None:
    return {0: True, errno.EADDRNOTAVAIL: False}.get(answer)


def _chosen_from() -> int:
    """Return the ports that the kernel chooses from."""
    try:
        low, high = map(int, (_IPV4 / "ip_local_port_range").read_text().split())
        return span(low, high) & ~mask_of((_IPV4 / "ip_local_reserved_ports").read_text())
    except (OSError, ValueError):
        return 0


def _number(name: str, otherwise: int) -> int:
    try:
        return int((_IPV4 / name).read_text())
    except (OSError, ValueError):
        return otherwise
