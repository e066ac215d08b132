"""The conntrack table: a namespace that tracks holds nf_conntrack_max connections; the SYN of the next is dropped.

__nf_conntrack_alloc (net/netfilter/nf_conntrack_core.c): the limit is global, the count of each namespace its own.
"""

from __future__ import annotations

import socket
from typing import Any

from hosttune.model import BindMode, Reason, Unknown
from hosttune.proofs import netfilter, socket_pairs
from hosttune.proofs.counters import dropped as dropped_packets
from hosttune.proofs.proof_setup import CONNECTION, Forecast, Setup
from hosttune.proofs.scene import Scene

RANK = 9
TAIL = 200
_PORT = 1023
_ENTRY = 320  # bytes: struct nf_conn and its extensions
_FAILS = "SYN dropped, no error: drop in /proc/net/stat/nf_conntrack"


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the host's limit; it cannot be lowered for a proof, as it is that of all namespaces."""
    limit: int | Unknown = setup.conntrack_max or 0
    if setup.conntrack_max is None:
        limit = Unknown(Reason.MODULE, "nf_conntrack is not loaded: there is no table, and loading it would remain")
    elif not limit:
        limit = Unknown(Reason.UNDECIDED, "nf_conntrack_max 0 is no limit")
    count = limit if isinstance(limit, int) else 0
    return (
        Forecast(
            id="conntrack",
            what="conntrack table",
            setting=f"nf_conntrack_max {count:,}, tracked; all but the last {TAIL} are entered by ctnetlink",
            predicted=limit,
            accepts=(count, count),
            unit="connections",
            fails=_FAILS,
            args={"entered": max(count - TAIL, 0)},
            seconds=1.0 + count * 1e-5,
            memory=count * _ENTRY + TAIL * CONNECTION,
        ),
    )


def measure(scene: Scene, entered: int) -> dict[str, Any]:
    """Fill most of the table by hand, then connect until a SYN stays without an answer."""
    netfilter.track()
    scene.keep.append(socket_pairs.listen("127.0.0.1", _PORT))
    netfilter.fill(entered)
    before, dropped = netfilter.count(), dropped_packets()

    def connect(_number: int, _log: list[Any]) -> socket.socket:
        return socket_pairs.client(BindMode.CONNECT, "", "127.0.0.1", _PORT, wait=0.3)

    tally = scene.crowd.run(connect, stop=100 * TAIL)
    failed = _FAILS if dropped_packets() > dropped else tally.failed
    return {"measured": before + tally.made, "failed": failed, "notes": [f"{tally.made:,} of them real connections"]}
