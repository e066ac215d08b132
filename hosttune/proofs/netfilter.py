"""Connection tracking in one's own namespace: have it track, and enter connections into its table (nfnetlink).

linux/netfilter/nfnetlink.h, nf_tables.h and nfnetlink_conntrack.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

from hosttune.proofs.child import Failed

_NETLINK_NETFILTER = 12
_REQUEST, _ACK, _EXCL, _CREATE, _APPEND = 0x1, 0x4, 0x200, 0x400, 0x800
_ERROR = 2  # NLMSG_ERROR
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NFTABLES, _CTNETLINK = 10 << 8, 1 << 8
_NEWTABLE, _NEWCHAIN, _NEWRULE = _NFTABLES | 0, _NFTABLES | 3, _NFTABLES | 6
_NESTED = 0x8000
_IPV4, _LOCAL_OUT = 2, 3
_STATUS = 0x2 | 0x4 | 0x8  # IPS_SEEN_REPLY, IPS_ASSURED (so that it is not evicted), IPS_CONFIRMED
ESTABLISHED, TIME_WAIT = 3, 7  # TCP_CONNTRACK_ESTABLISHED, TCP_CONNTRACK_TIME_WAIT
_HOUR = 3600
_BATCH = 500


def track() -> None:
    """Add a rule that looks at the state of connections: from then on the namespace tracks them; raises Failed."""
    ct = _attribute(1, _text("ct")) + _nest(2, _attribute(1, struct.pack("!I", 1)) + _attribute(2, bytes(4)))
    name, chain = _attribute(1, _text("hosttune")), _text("out")
    hook = _attribute(1, struct.pack("!I", _LOCAL_OUT)) + _attribute(2, bytes(4))
    messages = [
        _message(_BATCH_BEGIN, _REQUEST, b"", 0, _NFTABLES >> 8),
        _message(_NEWTABLE, _REQUEST | _ACK | _CREATE, name),
        _message(
            _NEWCHAIN,
            _REQUEST | _ACK | _CREATE,
            name + _attribute(3, chain) + _nest(4, hook) + _attribute(7, _text("filter")),
        ),
        _message(_NEWRULE, _REQUEST | _ACK | _CREATE | _APPEND, name + _attribute(2, chain) + _nest(4, _nest(1, ct))),
        _message(_BATCH_END, _REQUEST, b"", 0, _NFTABLES >> 8),
    ]
    with _open() as link:
        link.send(b"".join(messages))
        link.settimeout(5)
        for _ in range(3):
            _check(link.recv(1 << 16), "a rule of nftables that tracks connections")


def fill(count: int, state: int = ESTABLISHED) -> None:
    """Enter so many connections of strangers in a state; raises Failed."""
    with _open() as link:
        link.setblocking(False)
        batch: list[bytes] = []
        for number, entry in enumerate(_entries(count, state), 1):
            batch.append(entry)
            if len(batch) == _BATCH or number == count:
                link.send(b"".join(batch))
                batch.clear()
                try:
                    _check(link.recv(1 << 16), "entries of the conntrack table")
                except BlockingIOError:
                    continue


def flush() -> None:
    """Take every entry out of the table of this namespace; raises Failed."""
    with _open() as link:
        link.send(_message(_CTNETLINK | 2, _REQUEST | _ACK, b""))  # IPCTNL_MSG_CT_DELETE
        link.settimeout(5)
        _check(link.recv(1 << 16), "the conntrack table")


def count() -> int:
    """Return how many connections this namespace tracks."""
    with open("/proc/sys/net/netfilter/nf_conntrack_count") as file:
        return int(file.read())


def _entries(count: int, state: int) -> Iterator[bytes]:
    target = socket.inet_aton("198.51.100.9")
    rest = _attribute(3, struct.pack("!I", _STATUS))
    rest += _nest(4, _nest(1, _attribute(1, bytes([state])))) + _attribute(7, struct.pack("!I", _HOUR))
    for number in range(count):
        source, port = struct.pack("!I", 0xCB007101 + number // 60_000), 1024 + number % 60_000  # 203.0.113.1 and on
        yield _message(
            _CTNETLINK,
            _REQUEST | _CREATE | _EXCL,
            _tuple(1, source, target, port, 80) + _tuple(2, target, source, 80, port) + rest,
        )


def _tuple(kind: int, source: bytes, target: bytes, sport: int, dport: int) -> bytes:
    # written out: it is made twice for each of a quarter of a million entries
    return struct.pack(
        "=HHHHHH4sHH4sHHHHB3xHH2s2xHH2s2x",
        52, _NESTED | kind, 20, _NESTED | 1, 8, 1, source, 8, 2, target,
        28, _NESTED | 2, 5, 1, socket.IPPROTO_TCP, 6, 2, sport.to_bytes(2), 6, 3, dport.to_bytes(2),
    )  # fmt: skip


def _open() -> socket.socket:
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    link.bind((0, 0))
    return link


def _check(data: bytes, what: str) -> None:
    """Raise Failed where the kernel answered with an error."""
    kind, code = struct.unpack_from("=4xH10xi", data)
    if kind == _ERROR and code:
        raise Failed(f"{what}: {os.strerror(-code)}")


def _message(kind: int, flags: int, body: bytes, family: int = _IPV4, resource: int = 0) -> bytes:
    return struct.pack("=IHHIIBBH", 20 + len(body), kind, flags, 0, 0, family, 0, socket.htons(resource)) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _nest(kind: int, value: bytes) -> bytes:
    return _attribute(_NESTED | kind, value)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"
