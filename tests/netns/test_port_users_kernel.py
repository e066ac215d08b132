"""Which sockets have a port and whose they are: what the probe says equals what was made."""

from __future__ import annotations

import os
import socket

import pytest

from hosttune.facts import port_users
from hosttune.host.live import LiveHost
from hosttune.host.probes import traffic
from hosttune.host.recorded import Recorded
from hosttune.model import PortUser, PortUsers
from tests.diagnosis import made
from tests.netns.sandbox import inside


def _users(port: int) -> list[PortUser]:
    found = port_users.gather(LiveHost(), port, None)
    assert isinstance(found, PortUsers) and found.port == port and not found.many
    return list(found.users)


def _as_a_snapshot_has_it(port: int) -> list[PortUser]:
    """Return the same of a recording, which was not asked for this port."""
    silent = Recorded({"reads": {}, "globs": {}, "probes": {}, "links": {}})
    found = port_users.gather(silent, port, traffic.run())
    assert isinstance(found, PortUsers)
    return list(found.users)


def made_in_each_state() -> None:
    server = socket.socket(socket.AF_INET6)
    server.bind(("::", 1883))
    server.listen()
    client = socket.create_connection(("127.0.0.1", 1883))
    port, accepted = client.getsockname()[1], server.accept()[0]
    (mine,) = _users(port)
    assert (mine.address, mine.peer, mine.peer_port, mine.state) == ("127.0.0.1", "127.0.0.1", 1883, "ESTABLISHED")
    assert mine.pid == os.getpid() and mine.name
    (same,) = _as_a_snapshot_has_it(port)
    assert (same.state, same.peer, same.peer_port, same.pid) == ("ESTABLISHED", "127.0.0.1", 1883, None)
    assert [user.state for user in _as_a_snapshot_has_it(1883)] == ["LISTEN"]
    # the listener first, whatever it has accepted
    assert [user.state for user in _users(1883)] == ["LISTEN", "ESTABLISHED"]
    made.close(client, accepted)
    (left,) = _users(port)
    assert (left.state, left.pid) == ("TIME_WAIT", None)
    assert [user.state for user in _as_a_snapshot_has_it(port)] == ["TIME_WAIT"]
    with pytest.raises(OSError, match="in use"):
        made.listener(("127.0.0.1", port))
    bound = socket.socket()
    bound.bind(("127.0.0.1", 7777))
    assert [user.state for user in _users(7777)] in ([], ["BOUND"])  # a dump has it since Linux 6.8
    assert not _users(3)


def test_sockets_of_a_port_and_their_owner() -> None:
    inside("tests.netns.test_port_users_kernel", "made_in_each_state", alone=True)
