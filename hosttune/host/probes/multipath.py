"""The sockets of MPTCP in this network namespace, which take more memory than those of TCP.

sock_diag(7), net/mptcp/mptcp_diag.c. Their subflows are in the dump of TCP too.
"""

from __future__ import annotations

import socket
import struct
from typing import TypedDict

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import sock_diag
from hosttune.host.answers import Count
from hosttune.model import Reason

_ENABLED = "/proc/sys/net/mptcp/enabled"
_ASKED = struct.pack("=HHI", 8, 3, 262)  # INET_DIAG_REQ_PROTOCOL: IPPROTO_MPTCP is more than the header's byte holds
_MOST = 4096  # sockets that are counted: what is asked is whether there are any


class Multipath(TypedDict):
    """Listeners and connected sockets of MPTCP, so many at most as are counted."""

    listeners: Count
    connected: Count


def run() -> Multipath:
    """Return them, none where MPTCP is off or not built in; raises HostError."""
    try:
        with open(_ENABLED, "rb") as file:
            on = file.read(2).startswith(b"1")
    except OSError:
        on = False
    if not on:
        return {"listeners": 0, "connected": 0}
    return sock_diag.asked(_counted)


def _counted(link: sock_diag.Link) -> Multipath:
    if link is None:
        raise HostError(Reason.ABSENT, "the kernel has no inet_diag, and /proc does not tell MPTCP from TCP")
    states: list[int] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        with sock_diag.apart(link) as own:
            for data, _ in sock_diag.dump(own, family, sock_diag.FULL | 1 << kernel.LISTEN, attributes=_ASKED):
                states += [data[start + 17] for start, _ in sock_diag.sockets(data)]
                if len(states) >= _MOST:
                    break
    listening = states.count(kernel.LISTEN)
    return {"listeners": listening, "connected": len(states) - listening}
