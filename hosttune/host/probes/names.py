"""What a host name resolves to, by the resolver of the host that runs hosttune (getaddrinfo(3))."""

from __future__ import annotations

import socket
from typing import Annotated

from hosttune.errors import HostError
from hosttune.host.answers import Address, Is
from hosttune.model import Reason


def run(hostname: str) -> Annotated[list[Address], Is(bool, "empty")]:
    """Return the numeric addresses of a name in the resolver's order; raises HostError where it has none."""
    try:
        rows = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostError(Reason.ABSENT, f"{hostname}: {error.args[-1]}") from error
    return list(dict.fromkeys(str(row[4][0]) for row in rows))
