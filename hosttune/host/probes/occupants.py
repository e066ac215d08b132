"""Who uses the addresses of this host: TCP sockets by their local address, in this network namespace (sock_diag(7))."""

from __future__ import annotations

import os
import socket
from array import array
from collections import Counter
from typing import Any

from hosttune.errors import HostError
from hosttune.host.probes.sockets import _FAMILIES, _FULL, _LISTEN, _address, _dump, _runs
from hosttune.model import Reason

_SYN_RECV = 3


def run() -> dict[str, Any]:
    """Return `connections`, a count for each local address, and `listeners`, rows of `address` and `port`.

    What is only bound counts as a listener; TIME_WAIT, which nobody owns, counts for nothing. Raises HostError.
    """
    counts: Counter[str] = Counter()
    held: list[dict[str, Any]] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:  # NETLINK_SOCK_DIAG
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        try:
            link.bind((0, 0))
            for family, columns, words in _FAMILIES:
                for states in (_FULL | 1 << _LISTEN, 1 << _SYN_RECV):
                    for data, uniform in _dump(link, family, states, b""):
                        for stride, run_ in _runs(data, uniform, held):
                            cells, step = array("I", run_), stride // 4
                            keys = Counter(zip(*(cells[c::step] for c in columns[:words]), strict=True))
                            for key, number in keys.items():
                                counts[_address(key)] += number
        except OSError as error:
            raise HostError(Reason.UNREADABLE, f"sock_diag: {os.strerror(error.errno or 0)}") from error
    listeners = sorted({(h["address"], h["port"]) for h in held})
    return {
        "connections": dict(sorted(counts.items())),
        "listeners": [{"address": address, "port": port} for address, port in listeners],
    }
