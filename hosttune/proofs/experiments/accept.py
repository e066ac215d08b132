"""The accept queue: a listener whose program does not accept() holds its backlog and one more.

sk_acceptq_is_full (include/net/sock.h) asks for more than the backlog, which listen() cut to net.core.somaxconn.
"""

from __future__ import annotations

import socket
from typing import Any

from hosttune.model import BindMode
from hosttune.proofs import socket_pairs
from hosttune.proofs.counters import counters
from hosttune.proofs.proof_setup import CONNECTION, Forecast, Setup
from hosttune.proofs.scene import Scene

RANK = 5
_FEW, _MANY = 16, 65535
_MOST = 100_000


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return a small backlog, and one that somaxconn cuts where it does."""
    somaxconn = setup.number("net/core/somaxconn", 4096)
    return tuple(forecast(backlog, somaxconn) for backlog in dict.fromkeys((_FEW, min(_MANY, max(somaxconn, _FEW)))))


def forecast(backlog: int, somaxconn: int) -> Forecast:
    """Return the forecast of one backlog given to listen()."""
    count = min(backlog, somaxconn, _MOST) + 1
    return Forecast(
        id=f"accept:{backlog}",
        what="accept queue",
        setting=f"listen({min(backlog, _MOST):,}), somaxconn {somaxconn:,}, nothing accepts",
        predicted=count,
        accepts=(count, count),
        unit="connections",
        fails="SYN dropped, no error: ListenOverflows",
        args={"backlog": min(backlog, _MOST), "sysctls": {"net/core/somaxconn": str(somaxconn)}},
        seconds=0.4 + count * 4e-5,
        memory=count * CONNECTION,
    )


def measure(scene: Scene, backlog: int, sysctls: dict[str, str]) -> dict[str, Any]:
    """Connect until a SYN stays without an answer; each connection is asked for within 0.3 s."""
    scene.write(sysctls | {"net/ipv4/ip_local_port_range": "1024 65535"})
    server = socket_pairs.listen("127.0.0.1", 1023, backlog)
    scene.keep.append(server)
    before = counters()["ListenOverflows"]

    def connect(number: int, _log: list[Any]) -> socket.socket:
        # two sources: a backlog may be larger than one range of ports
        return socket_pairs.client(BindMode.NO_PORT, f"127.0.0.{2 + number % 4}", "127.0.0.1", 1023, wait=0.3)

    tally = scene.crowd.run(connect)
    dropped = counters()["ListenOverflows"] - before
    failed = "SYN dropped, no error: ListenOverflows" if dropped else tally.failed
    return {"measured": tally.made, "failed": failed}
