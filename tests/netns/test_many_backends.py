"""Thousands of backends, counted as few are, in linear time, whatever filter the kernel takes."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest

from hosttune.host.probes import routes, sockets
from tests.netns.sandbox import inside

PORT = 1883
SIZES = (1, 64, 65, 256, 257, 3_276, 3_277, 10_000, 65_536)
"""Around each limit: conditions one by one, ports one by one, and 16 bits of a jump in the kernel's bytecode."""


def test_they_are_counted_as_few_are() -> None:
    """Case 6: more than the kernel's 64 KiB of bytecode. The counts are those of a question for the few alone."""
    inside("tests.netns.test_many_backends", "count")


def count() -> None:
    with socket.socket() as server, socket.socket(socket.AF_INET6) as mapped:
        server.bind(("0.0.0.0", PORT))
        server.listen(64)
        kept = [socket.create_connection((f"127.0.{n}.1", PORT)) for n in range(1, 6) for _ in range(n)]
        mapped.connect(("::ffff:127.0.9.1", PORT))
        kept += [server.accept()[0] for _ in range(len(kept) + 1)]
        few = [[f"127.0.{n}.1", PORT] for n in range(12)]
        others = [[f"127.{1 + n // 250}.{n % 250}.1", PORT + n % 3] for n in range(20_000)]
        alone = sockets.run(few)
        used = {row["address"]: int(row["established"], 16).bit_count() for row in alone["tuples"]}
        assert used == {"127.0.1.1": 1, "127.0.2.1": 2, "127.0.3.1": 3, "127.0.4.1": 4, "127.0.5.1": 5, "127.0.9.1": 1}
        start = time.monotonic()
        # of few ports, of one port, and of more ports than the kernel is asked for
        one_port = [[address, PORT] for address, _ in others]
        many_ports = [[address, 2000 + number] for number, (address, _) in enumerate(others)]
        for more in (others, one_port, many_ports):
            assert sockets.run([*more, *few]) == alone
        assert time.monotonic() < start + 10
        for one in kept:
            one.close()


@pytest.mark.parametrize("family", ["4", "6", "both"])
def test_no_number_of_backends_meets_a_limit(family: str) -> None:
    """Case 8: one, few, and as many as have ports; of one port, of some, and of a port each."""
    inside("tests.netns.test_many_backends", "sizes", family)


def sizes(family: str) -> None:
    v4, v6 = family != "6", family != "4"
    addresses = [
        f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}" if v4 else f"fd00::{n:x}" for n in range(65_536)
    ]
    if family == "both":
        addresses = [address if n % 2 else f"fd00::{n:x}" for n, address in enumerate(addresses)]
    goals = (["127.0.0.1"] if v4 else []) + (["::1"] if v6 else [])
    listeners = [socket.create_server((goal, PORT), family=_family(goal), backlog=64) for goal in goals]
    kept = [socket.create_connection((goal, PORT)) for goal in goals for _ in range(5)]
    for size in SIZES:
        few = [[goal, PORT] for goal in goals][:size]
        for port in (lambda n: PORT, lambda n: 2000 + n % 3, lambda n: 2000 + n % 256, lambda n: 1 + n % 65535):
            rest = [[address, port(n)] for n, address in enumerate(addresses[: size - len(few)])]
            found = {
                row["address"]: int(row["established"], 16).bit_count() for row in sockets.run([*rest, *few])["tuples"]
            }
            assert found == dict.fromkeys((goal for goal, _ in few), 5), (size, found)
    for one in (*kept, *listeners):
        one.close()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def test_routes_to_thousands_are_those_to_each() -> None:
    inside("tests.netns.test_many_backends", "ways")


def ways() -> None:
    for words in (
        "link add one type veth peer name other",
        "link set one up",
        "link set other up",
        "addr add 10.1.0.1/16 dev one",
        "addr add 10.2.0.1/24 dev one",
        "route add 10.9.0.0/16 via 10.1.0.9 dev one",
        "route add unreachable 10.8.0.0/16",
        "addr add fd00::1/64 dev one nodad",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    wanted = [f"10.{net}.{n // 250}.{1 + n % 250}" for net in (1, 2, 7, 8, 9) for n in range(6_000)]
    wanted += [f"fd00::{n:x}" for n in range(2, 2_000)]
    answers = routes.run(wanted)
    assert list(answers) == wanted
    for each in wanted[::997]:
        assert answers[each] == routes.run([each])[each]
    assert {answers[a]["source"] for a in wanted if a.startswith("10.2.0.")} == {"10.2.0.1"}
    assert {answers[a]["gateway"] for a in wanted if a.startswith("10.9.")} == {"10.1.0.9"}
    assert {bool(answers[a]["error"]) for a in wanted if a.startswith("10.8.")} == {True}
