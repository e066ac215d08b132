"""The listening sockets of this network namespace, which the kernel keeps in a small table of their own."""

from __future__ import annotations

import os
from typing import Any

from hosttune.errors import HostError
from hosttune.host.probes.traffic import _LISTEN, _owners
from hosttune.model import Reason


def run() -> list[dict[str, Any]]:
    """Return of each `address`, `port`, `queue`, `backlog`, `inode` and `uid` (sock_diag(7)); raises HostError."""
    try:
        return _owners(1 << _LISTEN)[1]
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"sock_diag: {os.strerror(error.errno or 0)}") from error
