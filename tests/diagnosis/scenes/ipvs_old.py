"""A decoy: IPVS of this host drops SYNs of ports that are used again, for its old entries are of a server that is gone.

Nothing outside of the host is to blame, though no SYN is answered.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "outside"
WHERE = "guest"
_SERVICE, _CLIENT, _SERVERS = ("10.99.0.1", 80), "10.99.0.9", (("10.99.0.2", 9001), ("10.99.0.3", 9001))
_PORTS = range(40_000, 40_012)
# linux/ip_vs.h: IP_VS_BASE_CTL and what is added to it
_BASE = 64 + 1024 + 64
_ADD, _FLUSH, _ADD_SERVER, _REMOVE_SERVER = _BASE + 2, _BASE + 5, _BASE + 7, _BASE + 8


@contextmanager
def scene() -> Iterator[list[str]]:
    subprocess.run(["modprobe", "-a", "ip_vs", "ip_vs_rr"], check=True)
    addresses = [_SERVICE[0], _CLIENT, *(address for address, _ in _SERVERS)]
    servers: list[socket.socket] = []
    kept: list[socket.socket] = []
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as control:
        try:
            for address in addresses:
                subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
            servers += map(made.listener, _SERVERS)
            made.sysctl("net/ipv4/vs/conn_reuse_mode", "0")
            _set(control, _ADD)
            _set(control, _ADD_SERVER, _SERVERS[0])
            for port in _PORTS:
                client = _begin(port)
                servers[0].accept()[0].close()  # so that TIME_WAIT is the server's, and the port is free again
                assert client.recv(1) == b""
                client.close()
            _set(control, _REMOVE_SERVER, _SERVERS[0])
            _set(control, _ADD_SERVER, _SERVERS[1])
            kept += map(_begin_late, _PORTS)
            made.until(lambda: made.counter("TcpExt.TCPSynRetrans") >= len(_PORTS), "SYNs that are sent again")
            yield ["--errno", "ETIMEDOUT", "--call", "connect"]
            # what is offered first: a SYN takes an old entry over
            made.sysctl("net/ipv4/vs/conn_reuse_mode", "1")
            made.until(lambda: all(map(_is_open, kept)), "connections that the next SYN makes")
        finally:
            control.setsockopt(socket.IPPROTO_IP, _FLUSH, b"")
            made.close(kept, servers)
            for address in addresses:
                subprocess.run(["ip", "addr", "del", f"{address}/32", "dev", "lo"], check=False)


def _begin(port: int) -> socket.socket:
    client = socket.socket()
    client.settimeout(10)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((_CLIENT, port))
    client.connect(_SERVICE)
    return client


def _begin_late(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((_CLIENT, port))
    client.connect_ex(_SERVICE)
    return client


def _is_open(client: socket.socket) -> bool:
    with contextlib.suppress(OSError):
        return bool(client.getpeername())
    return False


def _set(control: socket.socket, command: int, server: made.Address | None = None) -> None:
    """Tell IPVS of the service, and maybe of a server behind it: struct ip_vs_service_user, ip_vs_dest_user."""
    address, port = _SERVICE
    service = struct.pack("=H2x4s", socket.IPPROTO_TCP, socket.inet_aton(address))
    service += struct.pack("!H2x", port) + struct.pack("=I16sIII", 0, b"rr", 0, 0, 0xFFFFFFFF)
    behind = b""
    if server is not None:
        behind = socket.inet_aton(server[0]) + struct.pack("!H2x", server[1]) + struct.pack("=IiII", 0, 1, 0, 0)
    control.setsockopt(socket.IPPROTO_IP, command, service + behind)
