"""Thousands of backends, counted as few are, in linear time, whatever filter the kernel takes."""

from __future__ import annotations

import socket
import time

from hosttune.host.probes import sockets
from tests.netns.sandbox import inside

PORT = 1883


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
