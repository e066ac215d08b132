"""Kernel memory: what an idle established connection takes of the slab, with its descriptor and its epoll entry.

The objects are tcp_sock, sock_inode_cache, dentry, filp, the bind buckets, epitem and eppoll_entry: the figure was
measured on 6.18 (x86-64), and is what capacity reckons with. Other kernels have other layouts of these: 3,934 bytes on
5.10, 4,010 on 6.1, 4,241 on 7.2, 4,238 on 7.2 of arm64 with pages of 16 KiB.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

from hosttune.model import BindMode
from hosttune.proofs import kernel_settings, socket_pairs
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.crowd import SPARE
from hosttune.proofs.proof_setup import Forecast, Setup
from hosttune.proofs.scene import SECONDS, Scene

RANK = 10
SLAB = 4133  # bytes a socket, connecting and accepted ones alike
_LEAST, _MOST = 3934, 4241  # bytes a socket on the kernels of the table
_PERCENT = 1  # of room on either side: a slab that is half used is counted whole
_ROUNDS = 3
_PAIRS = 25_000
_PORT = 1023
_OURS = ("TCP", "sock_inode_cache")
_SHARED = ("dentry", "lsm_inode_cache")
_OBJECTS = (
    *_OURS,
    *_SHARED,
    "filp",
    "lsm_file_cache",
    "tcp_bind_bucket",
    "tcp_bind2_bucket",
    "eventpoll_epi",
    "eventpoll_pwq",
    "ep_head",
)
_LOOKS, _BETWEEN, _STILL = 15, 0.2, 50  # seconds between, objects

Caches = dict[str, tuple[int, float]]


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the bytes that a socket takes."""
    pairs = min(_PAIRS, setup.memory // 4 // (2 * SLAB))
    room = SLAB * _PERCENT // 100
    least, most = _LEAST - room, _MOST + room
    return (
        Forecast(
            id="memory",
            what="kernel memory a socket",
            setting=f"{2 * pairs:,} idle sockets, each in an epoll",
            predicted=SLAB,
            accepts=(least, most),
            tolerance=f"{least:,} to {most:,}, as measured on Linux 5.10 to 7.2",
            unit="bytes of slab",
            fails="",
            args={"pairs": pairs},
            seconds=_ROUNDS * (1.5 + pairs * 8e-5),
            memory=pairs * 2 * SLAB,
        ),
    )


def measure(scene: Scene, pairs: int) -> dict[str, Any]:
    """Measure several times and take the one in the middle: other programs move the slab up and down."""
    _caches()
    scene.write({"net/core/somaxconn": str(2**31 - 1), "net/ipv4/ip_local_port_range": "1024 65535"})
    server = socket_pairs.listen("127.0.0.1", _PORT)
    scene.keep.append(server)
    room = kernel_settings.raise_nofile() - SPARE
    if room < 1:
        raise Failed("no descriptor is left for a single connection: raise the hard nofile limit")
    shares = [min(room, pairs - start) for start in range(0, pairs, room)]
    rounds = sorted(_round(server, shares) for _ in range(_ROUNDS))
    return {"measured": rounds[_ROUNDS // 2], "failed": ""}


def _round(server: socket.socket, shares: Sequence[int]) -> int:
    """Read the slab before and after: the processes exist before, so only sockets come in between."""
    workers = [(Child(_Side(server).handle), Child(_Side(server).handle), share) for share in shares]
    try:
        for connecting, accepting, _ in workers:
            connecting.ask(SECONDS, call="connect", count=1)
            accepting.ask(SECONDS, call="accept", count=1)
        before = _settled()
        for connecting, accepting, share in workers:
            connecting.ask(SECONDS, call="connect", count=share - 1)
            accepting.ask(SECONDS, call="accept", count=share - 1)
        after = _caches()
    finally:
        for connecting, accepting, _ in workers:
            connecting.end()
            accepting.end()
    sockets = 2 * (sum(shares) - len(workers))
    strange = strangers(before, after, sockets)
    if strange:
        raise Failed(
            f"other programs opened or closed about {strange:,} sockets in that time, and the slab does not show "
            "whose is whose; repeat it when the host is quiet"
        )
    return round(grown(before, after, sockets) / sockets)


class _Side:
    """One side of the connections, with an epoll that watches them."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._kept: list[socket.socket] = []
        self._epoll: select.epoll | None = None

    def handle(self, question: dict[str, Any]) -> None:
        self._epoll = self._epoll or select.epoll()
        for _ in range(question["count"]):
            if question["call"] == "connect":
                end = socket_pairs.client(BindMode.CONNECT, "", "127.0.0.1", _PORT)
            else:
                end = self._server.accept()[0]
            self._kept.append(end)
            self._epoll.register(end.fileno(), select.EPOLLIN)


def _caches() -> Caches:
    """Return active objects and bytes an object of each slab cache of the machine (slabinfo(5)); raises Failed."""
    try:
        with open("/proc/slabinfo") as file:
            rows = [line.split() for line in file.readlines()[2:]]
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Failed(
            f"the memory of sockets is distinguished from that of other programs by /proc/slabinfo: {why}"
        ) from error
    # name, active objects, objects, size, objects a slab, pages a slab, ...
    return {row[0]: (int(row[1]), int(row[5]) * resource.getpagesize() / int(row[4])) for row in rows}


def _settled() -> Caches:
    """Return the caches once sockets of earlier experiments are gone: the kernel frees them when it finds the time."""
    caches = _caches()
    for _ in range(_LOOKS):
        time.sleep(_BETWEEN)
        before, caches = caches, _caches()
        if all(abs(caches[name][0] - before.get(name, (0, 0))[0]) < _STILL for name in _OURS if name in caches):
            break
    return caches


def strangers(before: Caches, after: Caches, sockets: int) -> int:
    """Return how many sockets more or fewer there are than ours came to; 0 for what does not spoil the figure.

    The kernel counts a slab that a CPU works with as full, so that a few objects never agree.
    """
    off = [abs(after[name][0] - before.get(name, (0, 0.0))[0] - sockets) for name in _OURS if name in after]
    most = max(off, default=0)
    return most if most * 100 > sockets else 0


def grown(before: Caches, after: Caches, sockets: int) -> float:
    """Return the bytes by which the caches of sockets grew: what other programs did meanwhile is left out.

    Their files have a dentry and a blob of the LSM too: no more of these are counted than there are sockets.
    """
    ours = {_group(name) for name in _OBJECTS}
    shared = {_group(name) for name in _SHARED}
    total = 0.0
    for name, (objects, size) in after.items():
        more = objects - before.get(name, (0, 0.0))[0]
        if _group(name) in ours:
            total += size * (min(more, sockets) if _group(name) in shared else more)
    return total


def _group(cache: str) -> str:
    """Return the name of the cache that this one was merged with: objects of one size share one (slabinfo(5))."""
    return os.path.basename(os.path.realpath(f"/sys/kernel/slab/{cache}"))
