"""The SYN queue: half-open connections that a listener holds, by its backlog, cookies and tcp_max_syn_backlog.

tcp_conn_request (net/ipv4/tcp_input.c): with cookies the backlog and one more, without them also no more than three
quarters of tcp_max_syn_backlog and one more.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Any

from hosttune import kernel, releases
from hosttune.proofs import socket_pairs
from hosttune.proofs.counters import counters, in_state
from hosttune.proofs.proof_setup import Forecast, Setup
from hosttune.proofs.scene import Scene

RANK = 6
_BACKLOG = 128
_SERVER, _PORTS = "192.0.2.1", 2000
_STRANGERS = int(ipaddress.ip_address("203.0.113.1"))  # for documentation: nobody answers there
_SHORT = 64


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the queue with the host's cookies, and the one without cookies under a short tcp_max_syn_backlog."""
    somaxconn = setup.number("net/core/somaxconn", 4096)
    cookies, longest = setup.number("net/ipv4/tcp_syncookies", 1), setup.number("net/ipv4/tcp_max_syn_backlog", 512)
    short = min(longest, _SHORT) if longest > 0 else _SHORT
    return (
        forecast("syn", _BACKLOG, somaxconn, cookies, longest, setup.kernel),
        forecast("syn:no-cookies", _BACKLOG, somaxconn, 0, short, setup.kernel),
    )


def foretell(backlog: int, somaxconn: int, cookies: int, longest: int) -> int:
    """Return how many half-open connections there can be on a kernel that has every change."""
    queue = min(backlog, somaxconn) + 1
    if cookies == 2:
        return 0
    return queue if cookies else min(queue, longest - (longest >> 2) + 1)


def forecast(id: str, backlog: int, somaxconn: int, cookies: int, longest: int, running: str = "") -> Forecast:
    """Return the forecast for one listener; `longest` is tcp_max_syn_backlog, `running` the kernel's release."""
    least = most = foretell(backlog, somaxconn, cookies, longest)
    change = releases.named("syn-queue")
    newer = releases.holds(change, running)
    tolerance = "exact"
    if not newer and most == min(backlog, somaxconn) + 1:
        # the backlog decides: an older kernel compares with >=
        least = most - 1
        tolerance = releases.older(change, newer)
    count = least if newer is False else most
    most = count if newer is False else most
    how = "SYN cookies: SyncookiesSent" if cookies else "SYN dropped: ListenDrops"
    return Forecast(
        id=id,
        what="SYN queue",
        setting=f"listen({backlog:,}), tcp_syncookies {cookies}, tcp_max_syn_backlog {longest:,}",
        predicted=count,
        accepts=(least, most),
        tolerance=tolerance,
        unit="half-open connections",
        fails=how,
        args={
            "backlog": backlog,
            "count": count + 100,
            "sysctls": {
                "net/core/somaxconn": str(somaxconn),
                "net/ipv4/tcp_syncookies": str(cookies),
                "net/ipv4/tcp_max_syn_backlog": str(longest),
            },
        },
        seconds=0.4 + count * 4e-5,
    )


def measure(scene: Scene, backlog: int, count: int, sysctls: dict[str, str]) -> dict[str, Any]:
    """Send SYNs of strangers who never answer; the answers to them end in the peer's namespace."""
    scene.write(sysctls)
    scene.reach([_SERVER], [])
    # half-open connections outlive their listener by a second: each turn has a port of its own
    port = _PORTS + scene.turn
    scene.keep.append(socket_pairs.listen(_SERVER, port, backlog))
    before = counters()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(count):
            raw.sendto(_syn(_STRANGERS + number % 250, 1024 + number // 250, port), (_SERVER, 0))
    moved = {name: value - before[name] for name, value in counters().items()}
    failed = ""
    if moved["SyncookiesSent"]:
        failed = "SYN cookies: SyncookiesSent"
    elif moved["ListenDrops"]:
        failed = "SYN dropped: ListenDrops"
    return {"measured": in_state(kernel.SYN_RECV, port), "failed": failed}


def _syn(source: int, port: int, listener: int) -> bytes:
    """Return an IPv4 packet with a SYN to the listener; the kernel fills in length and checksum of the IP header."""
    target = int(ipaddress.ip_address(_SERVER))
    tcp = struct.pack("!HHIIBBHHHBBH", port, listener, 1, 0, 6 << 4, 0x02, 65535, 0, 0, 2, 4, 1460)
    pseudo = struct.pack("!IIBBH", source, target, 0, socket.IPPROTO_TCP, len(tcp)) + tcp
    tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo)) + tcp[18:]
    return struct.pack("!BBHHHBBHII", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0, source, target) + tcp


def _checksum(data: bytes) -> int:
    """Return the Internet checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
