"""HAProxy with `source ADDRESS:LO-HI`: its own range runs out, whatever the kernel's is; its configuration says so."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import made

CAUSE = "ports"
WHERE = "netns"
NEEDS = ("haproxy",)
_LOW, _HIGH = 40000, 40059
_CONFIG = f"""
global
    nbthread 1
defaults
    mode tcp
    retries 0
    timeout connect 200ms
    timeout client 60s
    timeout server 60s
frontend in
    bind 127.0.0.1:8000
    default_backend brokers
backend brokers
    server one 127.0.0.1:1883 source 127.0.0.2:{_LOW}-{_HIGH}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20999")
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "haproxy.cfg")
        path.write_text(_CONFIG)
        with made.program(("127.0.0.1", 8000), "haproxy", "-db", "-f", str(path)):
            try:
                assert made.dial(clients, ("127.0.0.1", 8000), 80) == ""
                time.sleep(0.5)
                yield ["--backends-from", str(path)]
            finally:
                made.close(clients, server)
