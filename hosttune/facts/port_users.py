"""Which sockets have a local port: asked where a port is known that somebody could not get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import PortUser, PortUsers, Reason, Unknown

_SETS = {"established": "ESTABLISHED", "time_wait": "TIME_WAIT", "half_closed": "FIN_WAIT2", "other": "CLOSING"}


def gather(host: Host, port: int | None, seen: Mapping[str, Any] | None) -> PortUsers | Unknown | None:
    """Return the sockets that have the port, None where none is known.

    A recording was not asked for this port: there what `seen`, the traffic probe, keeps of ports says it, without their
    owners.
    """
    if port is None:
        return None
    try:
        answer = host.probe("port_users", port=port)
    except HostError as error:
        if error.reason is Reason.NOT_RECORDED and seen and seen.get("tuples") is not None:
            return PortUsers(port, tuple(_recorded(seen, port)))
        return Unknown(error.reason, error.detail)
    users = (PortUser(**{name: row[name] for name in PortUser.__slots__ if name in row}) for row in answer["users"])
    return PortUsers(port, tuple(users), answer["many"])


def _recorded(seen: Mapping[str, Any], port: int) -> Iterator[PortUser]:
    for row in seen.get("held", ()):
        if row["port"] == port:
            yield PortUser(row["address"], "LISTEN" if row["listen"] else "BOUND")
    told = set()
    for row in seen["tuples"]:
        for name, state in _SETS.items():
            if int(row.get(name, "0x0"), 16) >> port & 1:
                told.add(row["source"])
                yield PortUser(row["source"], state, peer=row["address"], peer_port=row["port"])
    # only of the busiest destinations it keeps whose ports they are
    for row in seen.get("local") or ():
        if row["address"] not in told and int(row["ports"], 16) >> port & 1:
            yield PortUser(row["address"], "CONNECTED")
