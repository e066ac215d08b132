"""Who has a port, of a recording that was asked for sockets and not for this port."""

from __future__ import annotations

from typing import Any

from hosttune.facts import port_users
from hosttune.host.recorded import Recorded
from hosttune.model import PortUser, PortUsers, Unknown

HOST = Recorded({"reads": {}, "globs": {}, "probes": {}, "links": {}})
BIT = hex(1 << 45_100)
FAR = {"source": "10.0.0.1", "address": "10.0.0.9", "port": 443, "established": "0x0", "time_wait": BIT, "other": "0x0"}


def users(**seen: Any) -> tuple[PortUser, ...]:
    found = port_users.gather(HOST, 45_100, {"held": [], "tuples": [], "local": [], **seen})
    assert isinstance(found, PortUsers)
    return found.users


def test_where_no_port_is_named_nobody_is_asked() -> None:
    assert port_users.gather(HOST, None, None) is None


def test_without_the_ports_of_sockets_it_is_not_known() -> None:
    assert isinstance(port_users.gather(HOST, 45_100, None), Unknown)
    assert isinstance(port_users.gather(HOST, 45_100, {"held": [], "tuples": None, "local": None}), Unknown)


def test_a_connection_is_found_by_its_destination_else_by_its_address() -> None:
    local = [{"address": "10.0.0.1", "ports": BIT}, {"address": "10.0.0.2", "ports": BIT}]
    assert users(tuples=[FAR], local=local) == (
        PortUser("10.0.0.1", "TIME_WAIT", peer="10.0.0.9", peer_port=443),
        PortUser("10.0.0.2", "CONNECTED"),
    )
    assert users(tuples=[FAR | {"time_wait": "0x1"}], local=[]) == ()


def test_listeners_come_first() -> None:
    held = [
        {"address": "::", "port": 45_100, "listen": True, "v6only": False},
        {"address": "::", "port": 1, "listen": True},
    ]
    assert [user.state for user in users(held=held, tuples=[FAR])] == ["LISTEN", "TIME_WAIT"]
