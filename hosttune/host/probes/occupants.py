"""Who uses the addresses of this host: TCP sockets by their local address, in this network namespace (sock_diag(7))."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TypedDict

from hosttune import kernel
from hosttune.host import sock_diag
from hosttune.host.answers import Address, Count, Port


class Listening(TypedDict):
    """An address with a port of it."""

    address: Address
    port: Port


class Occupants(sock_diag.Limited):
    """A count of connections for each local address, and the listeners.

    What is only bound counts as a listener; TIME_WAIT, which nobody owns, counts for nothing.
    """

    connections: dict[Address, Count]
    listeners: list[Listening]


def run() -> Occupants:
    """Return them; raises HostError."""
    return sock_diag.asked(_answer)


def _answer(link: sock_diag.Link) -> Occupants:
    counts: Counter[str] = Counter()
    held: list[sock_diag.Held] = []
    for family, columns, words in sock_diag.FAMILIES:
        for states in (sock_diag.FULL | 1 << kernel.LISTEN, 1 << kernel.SYN_RECV):
            for data, uniform in sock_diag.dump(link, family, states):
                for stride, run_ in sock_diag.runs(data, uniform, held):
                    cells, step = array("I", run_), stride // 4
                    keys = Counter(zip(*(cells[c::step] for c in columns[:words]), strict=True))
                    for key, number in keys.items():
                        counts[sock_diag.address(key)] += number
    listeners = sorted({(h["address"], h["port"]) for h in held})
    return {
        "connections": dict(sorted(counts.items())),
        "listeners": [{"address": address, "port": port} for address, port in listeners],
        **sock_diag.limited(link),
    }
