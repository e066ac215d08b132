"""A decoy: two clients behind NAT begin connections from the same port at once, and one of each two is dropped.

Each SYN is held between its translation and the entry of its connection, as on another CPU, so that both get one port.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = ""
DECOY_OF = "nat"
WHERE = "guest"
_SERVER = ("10.0.3.2", 1883)
_RULES = """
table ip hosttune {
  chain out {
    type nat hook postrouting priority 100
    ip daddr 10.0.3.2 meta l4proto tcp masquerade
  }
  chain held {
    type filter hook postrouting priority 200
    tcp flags & (syn | ack) == syn queue num 0
  }
}
"""
_RANDOM = """
flush chain ip hosttune out
add rule ip hosttune out ip daddr 10.0.3.2 meta l4proto tcp masquerade fully-random
"""
# five times a second, by the clock that both have, from the port that the clock says
_CLIENT = """
import socket, sys, time
kept = []
while True:
    turn = int(time.time() * 5)
    one = socket.socket()
    one.setblocking(False)
    one.bind(("", 40_000 + turn % 20_000))
    one.connect_ex((sys.argv[1], int(sys.argv[2])))
    kept.append(one)
    time.sleep(max((turn + 1) / 5 - time.time(), 0))
"""
_QUEUE = 3 << 8  # NFNL_SUBSYS_QUEUE, linux/netfilter/nfnetlink.h; messages and attributes: nfnetlink_queue.h
_PACKET, _VERDICT, _CONFIG = _QUEUE | 0, _QUEUE | 1, _QUEUE | 2
_HOLD = 0.1


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.hosts(3) as (one, other, server), contextlib.ExitStack() as over:
        for net, host in enumerate((one, other, server), 1):
            far.wire(net, None, host)
            if host is not server:
                far.route(host, f"10.0.{net}.1")
        over.callback(made.sysctl, "net/ipv4/ip_forward", "0")
        made.sysctl("net/ipv4/ip_forward", "1")
        far.rules(None, _RULES)
        over.enter_context(_holding())
        server.listen(_SERVER)
        for client in (one, other):
            command = ["nsenter", "-t", str(client.pid), "-n", sys.executable, "-c", _CLIENT, *map(str, _SERVER)]
            process = over.enter_context(subprocess.Popen(command))
            over.callback(process.kill)
        made.until(lambda: made.counter("conntrack.insert_failed") > 3, "two entries for one port")
        yield ["--errno", "none", "--for", "2s"]
        # what is offered first: then no two are given the same port
        far.rules(None, _RANDOM)
        time.sleep(5 * _HOLD)
        assert made.stays("conntrack.insert_failed", 1.5) == "gone"


@contextmanager
def _holding() -> Iterator[None]:
    """Let each packet of the queue go on a little later."""
    over = threading.Event()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as link:  # NETLINK_NETFILTER
        link.bind((0, 0))
        link.send(_message(_CONFIG, _attribute(1, struct.pack("!BxH", 1, 0))))  # NFQNL_CFG_CMD_BIND
        link.send(_message(_CONFIG, _attribute(2, struct.pack("!IB", 0, 1))))  # NFQNL_COPY_META
        link.settimeout(0.01)
        thread = threading.Thread(target=_hold, args=(link, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _hold(link: socket.socket, over: threading.Event) -> None:
    waiting: list[tuple[float, bytes]] = []
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            data = link.recv(1 << 16)
            if struct.unpack_from("=IH", data)[1] == _PACKET:
                # struct nfqnl_msg_packet_hdr is the first attribute, and its id the first of it
                waiting.append((time.monotonic() + _HOLD, data[24:28]))
        while waiting and waiting[0][0] <= time.monotonic():
            _, number = waiting.pop(0)
            link.send(_message(_VERDICT, _attribute(2, struct.pack("!I", 1) + number)))  # NF_ACCEPT


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 20 + len(body), kind, 1, 0, 0) + struct.pack("!BBH", 0, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
