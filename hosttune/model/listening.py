"""Endpoints, and the sockets that listen at them."""

from __future__ import annotations

from dataclasses import dataclass


def endpoint(address: str, port: int) -> str:
    """Return an address and a port as people write them: those of IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket: how many wait to be accepted, and how many may, as the kernel holds it (Send-Q).

    `accepted` are connections at its port that look open, about so many where the table was only sampled; `closing`
    of them those whose peer has gone and that the program has not closed. `half_open` are in SYN_RECV.
    """

    address: str
    port: int
    queue: int
    backlog: int
    inode: int = 0
    uid: int = 0
    accepted: int | None = None
    closing: int = 0
    half_open: int = 0

    def __str__(self) -> str:
        return endpoint(self.address, self.port)
