"""What fills the conntrack table, as the probe says, against what was entered and what the kernel translated."""

from __future__ import annotations

import json
import socket
from typing import Any

from hosttune.host.probes import tracked
from hosttune.proofs import netfilter
from tests.diagnosis import far, made
from tests.netns.sandbox import inside

_SERVER = ("10.0.1.2", 1883)
_RULES = """
table ip hosttune {
  chain out {
    type nat hook postrouting priority 100
    ip daddr 10.0.1.2 meta l4proto tcp snat to 10.0.1.77:40000-40099
  }
}
"""


def test_entries_are_counted_by_state_and_by_the_address_that_they_share() -> None:
    found = json.loads(inside("tests.netns.test_tracked_kernel", "enter").splitlines()[-1])
    assert found["before"] == {"seen": 0, "whole": True, "states": {}, "translated": []}
    assert found["part"]["seen"] == 100 and not found["part"]["whole"]
    assert found["whole"]["whole"]
    assert found["whole"]["states"] == {"ESTABLISHED": 30, "TIME_WAIT": 350, "udp": 1}
    assert found["whole"]["translated"] == [{"address": "10.0.1.77", "target": "10.0.1.2", "port": 1883, "entries": 30}]


def enter() -> None:
    """Fill the table with strangers, connections that are translated and a datagram, and print what the probe says."""
    clients: list[socket.socket] = []
    answers: dict[str, Any] = {"before": tracked.run()}
    with far.hosts(1) as (server,), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        far.wire(1, None, server)
        server.run("ip", "route", "add", "10.0.1.77", "via", "10.0.1.1")
        far.rules(None, _RULES)
        server.listen(_SERVER)
        assert not made.dial(clients, _SERVER, 30)
        datagram.sendto(b"?", ("10.0.1.1", 9))
        netfilter.fill(350, netfilter.TIME_WAIT)
        answers |= {"part": tracked.run(most=100), "whole": tracked.run()}
        made.close(clients)
    print(json.dumps(answers))
