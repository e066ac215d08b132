"""Ghosts: clients that are ESTABLISHED at a server that never had them, when a burst meets SYN cookies.

A cookie keeps no state, so the last ACK of the handshake that meets a full accept queue is dropped and nothing is sent
again (cookie_v4_check, net/ipv4/syncookies.c; tcp_get_cookie_sock). A client that sent its SYN twice, after 1 s, gets
two answers and acknowledges both: the second one may come in where the queue has been emptied by then.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from hosttune.proofs import socket_pairs, wire_frames
from hosttune.proofs.counters import counters
from hosttune.proofs.proof_setup import Forecast, Setup
from hosttune.proofs.scene import SECONDS, Scene

RANK = 8
_BURST = 400
_BACKLOG = 128
_SERVER, _CLIENT, _PORT = "192.0.2.1", "198.51.100.1", 1023
_WAIT = 2.0  # seconds for the handshakes, far more than they take
_STILL, _SETTLES = 0.3, 10.0  # seconds without a change of the counters, and how long that is waited for
_AGAIN = 1.0  # seconds after which a SYN without an answer is sent again, TCP_TIMEOUT_INIT of include/net/tcp.h
_COUNTED = ("SyncookiesSent", "SyncookiesRecv", "ListenOverflows", "ListenDrops")


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return a burst above the backlog, and one that the backlog has room for."""
    somaxconn, cookies = setup.number("net/core/somaxconn", 4096), setup.number("net/ipv4/tcp_syncookies", 1)
    longest = setup.number("net/ipv4/tcp_max_syn_backlog", 512)
    return (
        forecast(_BURST, _BACKLOG, somaxconn, cookies, longest),
        forecast(_BURST, _BURST, somaxconn, cookies, longest),
    )


def forecast(burst: int, backlog: int, somaxconn: int, cookies: int, longest: int) -> Forecast:
    """Return the forecast: all of the burst are on the way before the first handshake ends."""
    count = max(burst - (min(backlog, somaxconn) + 1), 0) if cookies else 0
    return Forecast(
        id=f"ghosts:{burst}:{backlog}",
        what="lost connections, a burst and SYN cookies" if count else "lost connections, a burst that fits",
        setting=f"{burst:,} at once into listen({backlog:,}), somaxconn {somaxconn:,}, tcp_syncookies {cookies}",
        predicted=count,
        accepts=(count, count),
        unit="clients that the server does not have",
        fails="none of them sees an error: ListenOverflows, SyncookiesRecv" if count else "",
        args={
            "burst": burst,
            "backlog": backlog,
            "sysctls": {
                "net/core/somaxconn": str(somaxconn),
                "net/ipv4/tcp_syncookies": str(cookies),
                "net/ipv4/tcp_max_syn_backlog": str(longest),
            },
        },
        seconds=1.0,
    )


def measure(scene: Scene, burst: int, backlog: int, sysctls: dict[str, str]) -> dict[str, Any]:
    """Hold back the server's answers until all clients have asked, as a long way would, then let them go.

    The queue is emptied once all that is on the way has met it, and looked at again afterwards.

    The server's side of the wire asks for the clients' hardware address, which nobody tells: the kernel keeps what
    it has to send until that address is known.
    """
    scene.write(sysctls)
    scene.reach([_SERVER], [(_CLIENT, _PORT)])
    scene.write({f"net/ipv4/neigh/{wire_frames.NEAR}/unres_qlen_bytes": str(1 << 26)})
    wire_frames.up(wire_frames.NEAR, resolve=True)
    server = socket_pairs.listen(_SERVER, _PORT, backlog)
    server.setblocking(False)
    scene.keep.append(server)
    before, start = counters(), time.monotonic()
    scene.peer.ask(SECONDS, do="burst", source=_CLIENT, address=_SERVER, port=_PORT, count=burst)
    wire_frames.neighbour(wire_frames.NEAR, _CLIENT)
    took = time.monotonic() - start
    established = scene.peer.ask(SECONDS, do="established", wait=_WAIT)
    settled = _settle()
    accepted = _drain(server, scene.keep)
    settled += _settle()
    late = _drain(server, scene.keep)
    moved = {name: value - before[name] for name, value in counters().items()}
    ghosts = established - accepted - late
    failed = ""
    if ghosts and moved["SyncookiesRecv"] and moved["ListenOverflows"]:
        failed = "none of them sees an error: ListenOverflows, SyncookiesRecv"
    notes = [f"{established:,} clients are ESTABLISHED, the server has {accepted + late:,}"]
    if took >= _AGAIN:
        notes.append(f"the burst took {took:,.1f} s, so that SYNs were retransmitted; counted when all was quiet")
    if late:
        notes.append(f"{late:,} of them came in within {settled:,.1f} s after the others")
    return {"measured": ghosts, "failed": failed, "notes": notes}


def _settle() -> float:
    """Wait until the server's counters stand still and return the seconds that it took; at most _SETTLES."""
    start = still = time.monotonic()
    last: list[int] = []
    while time.monotonic() - still < _STILL and time.monotonic() - start < _SETTLES:
        time.sleep(0.02)
        now = [counters()[name] for name in _COUNTED]
        if now != last:
            last, still = now, time.monotonic()
    return time.monotonic() - start


def _drain(server: socket.socket, keep: list[socket.socket]) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            keep.append(server.accept()[0])
            count += 1
    return count
