"""Which local ports a bind() owns: of each the kernel is asked whether connect() may have it.

A dump of sockets does not show whether a connected socket's port came from bind() or from connect(). A new socket that
may take this one port alone (IP_LOCAL_PORT_RANGE, Linux 6.3) and connects finds out: __inet_hash_connect() passes over
each port that a bind() made its own, whatever its address (net/ipv4/inet_hashtables.c), and answers EADDRNOTAVAIL.

Nothing is sent: TCP_FASTOPEN_CONNECT, without a cookie, chooses the port and leaves the SYN to the first write
(net/ipv4/tcp_fastopen.c tcp_fastopen_defer_connect()), which never comes. Where net.ipv4.tcp_fastopen forbids that, and
we may, TCP_REPAIR sends nothing either; else one SYN goes to a port of this host's own where nobody listens.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import struct
import time
from typing import TypedDict

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import sock_diag
from hosttune.host.answers import Ports
from hosttune.host.probes import traffic
from hosttune.model import Reason

_LOCAL_PORT_RANGE = 51  # IP_LOCAL_PORT_RANGE, include/uapi/linux/in.h
_REPAIR, _FASTOPEN_CONNECT, _FASTOPEN_NO_COOKIE = 19, 30, 34  # TCP_*, include/uapi/linux/tcp.h
_NOW = struct.pack("ii", 1, 0)  # SO_LINGER: close() leaves nothing behind
_BUDGET = 0.1
"""Seconds of the CPU: of 11 us each that is 9,000 ports (6.18); on a busy machine they take longer to come."""
_END = 1.0
"""Seconds after which no more is asked, however little of the CPU there was."""
_LOOPBACK = "127.0.0.1"
_MAY = (0, errno.EINPROGRESS, errno.ECONNREFUSED)


class Bound(TypedDict):
    """The ports that were asked, and those of them that a bind() owns."""

    asked: Ports
    bound: Ports


def run(ports: str, device: str = "", to: str = _LOOPBACK) -> Bound:
    """Ask of each port of a hexadecimal set, in no order, until the time is up; raises HostError where it cannot be.

    The ports must lie within net.ipv4.ip_local_port_range and not be reserved. `device` is the VRF that they are asked
    in, `to` an address that has a route there.
    """
    wanted = [port for port, bit in enumerate(reversed(f"{int(ports, 16):b}")) if bit == "1"]
    # the same order each time: what is asked of many is a fair sample, and a recording can be compared
    random.Random(len(wanted)).shuffle(wanted)
    asked = bound = 0
    begun, end = time.thread_time(), time.monotonic() + _END
    try:
        way = _way(device, to)
        for number, port in enumerate(wanted):
            if number % 64 == 63 and (time.thread_time() - begun > _BUDGET or time.monotonic() > end):
                break
            answer = way.ask(port)
            if answer not in (*_MAY, errno.EADDRNOTAVAIL):
                raise OSError(answer, os.strerror(answer))
            asked |= 1 << port
            bound |= (answer == errno.EADDRNOTAVAIL) << port
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"IP_LOCAL_PORT_RANGE: {os.strerror(error.errno or 0)}") from error
    return {"asked": hex(asked), "bound": hex(bound)}


class _Way:
    """How a port is asked for: the option of TCP that keeps the SYN from being sent, 0 for none, and where to."""

    def __init__(self, option: int, device: str, to: tuple[str, int]) -> None:
        self._option, self._device, self._to = option, device.encode(), to
        self._family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET

    def ask(self, port: int) -> int:
        """Return the errno of connect(), 0 where it may have the port; raises OSError."""
        with socket.socket(self._family) as client:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_IP, _LOCAL_PORT_RANGE, struct.pack("=I", port | port << 16))
            if self._device:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._device)
            if self._option == _FASTOPEN_CONNECT:
                client.setsockopt(socket.IPPROTO_TCP, _FASTOPEN_NO_COOKIE, 1)
            if self._option:
                client.setsockopt(socket.IPPROTO_TCP, self._option, 1)
            else:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
            return client.connect_ex(self._to)


def _way(device: str, to: str) -> _Way:
    """Return the quietest way that there is; raises OSError where there is none."""
    for option in (_FASTOPEN_CONNECT, _REPAIR):
        with socket.socket() as client:
            try:
                client.setsockopt(socket.IPPROTO_TCP, option, 1)
            except OSError:
                continue
        return _Way(option, device, (to, 1))
    if device or to != _LOOPBACK:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))  # a SYN would leave the host
    return _Way(0, "", (_LOOPBACK, _silent()))


def _silent() -> int:
    """Return a port on which nobody listens; raises HostError where that cannot be seen."""
    held, _ = sock_diag.asked(lambda link: traffic.owners(link, 1 << kernel.LISTEN))
    return min(set(range(1, 1024)) - {row["port"] for row in held})
