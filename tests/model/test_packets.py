"""Whether a connection meets a rule: yes, no, or not to be told."""

from __future__ import annotations

import socket

import pytest

from hosttune.model.filtering import Matching, Packet
from hosttune.model.packets import met

PACKET = Packet("10.0.0.1", "10.0.0.2", 1883, 40000, "", "eth0", 4, 33)


@pytest.mark.parametrize(
    ("matching", "answer"),
    [
        (Matching(), True),
        (Matching(family=socket.AF_INET6), False),
        (Matching(protocols=("udp",)), False),
        (Matching(sources=("10.0.0.0/24",), destinations=("10.0.0.2/32", "fd00::/8")), True),
        (Matching(ports=((80, 80), (1880, 1890))), True),
        (Matching(source_ports=((1, 1023),)), False),
        (Matching(leaves=("eth*",)), True),
        (Matching(leaves=("eth",)), False),
        (Matching(enters=("lo",)), False),
        (Matching(marks=((4, 6),), uids=((30, 40),)), True),
        (Matching(unknown=("fib",)), None),
        (Matching(unknown=("fib",), ports=((80, 80),)), False),
        (Matching(excepts=(Matching(ports=((1883, 1883),)),)), False),
        (Matching(excepts=(Matching(ports=((80, 80),)),)), True),
        (Matching(excepts=(Matching(unknown=("limit",)),)), None),
        (Matching(excepts=(Matching(excepts=(Matching(leaves=("eth0",)),)),)), True),
    ],
)
def test_a_packet_meets_a_rule(matching: Matching, answer: bool | None) -> None:
    assert met(matching, PACKET) is answer


@pytest.mark.parametrize(
    "matching",
    [
        Matching(family=socket.AF_INET),
        Matching(sources=("10.0.0.0/8",)),
        Matching(ports=((1, 2),)),
        Matching(leaves=("eth0",)),
        Matching(marks=((1, 1),)),
        Matching(uids=((0, 0),)),
    ],
)
def test_what_is_not_known_of_a_packet_decides_nothing(matching: Matching) -> None:
    assert met(matching, Packet()) is None
