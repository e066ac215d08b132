"""The listening sockets of this network namespace, which the kernel keeps in a small table of their own."""

from __future__ import annotations

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import sock_diag
from hosttune.host.probes.traffic import Listener, owners
from hosttune.model import Reason


def run() -> list[Listener]:
    """Return each (sock_diag(7)); raises HostError."""
    return sock_diag.asked(_listeners)


def _listeners(link: sock_diag.Link) -> list[Listener]:
    if link is None:
        raise HostError(Reason.ABSENT, "the kernel has no inet_diag, and /proc does not show backlogs")
    return owners(link, 1 << kernel.LISTEN)[1]
