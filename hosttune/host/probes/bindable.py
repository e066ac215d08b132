"""Whether bind(2) takes an address, tried on a socket that is closed again and takes no port.

IP_BIND_ADDRESS_NO_PORT, ip(7): the address is looked at (net/ipv4/af_inet.c, inet_addr_valid_or_nonlocal();
net/ipv6/af_inet6.c, __inet6_bind()), a port is not taken.
"""

from __future__ import annotations

import errno
import socket
from typing import Annotated

from hosttune.host.answers import Is, matches

_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT

Errno = Annotated[str, Is(matches("[A-Z0-9]{0,20}"), "no name of an error")]


def run(addresses: list[str], device: str = "") -> dict[str, Errno]:
    """Return the name of the error for each ADDRESS[%INTERFACE], "" where bind() takes it.

    `device` is what the program binds its sockets to before (SO_BINDTODEVICE).
    """
    return {address: _tried(address, device) for address in addresses}


def _tried(text: str, device: str) -> str:
    address, _, zone = text.partition("%")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as trial:
            if device:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            trial.setsockopt(socket.IPPROTO_IP, _NO_PORT, 1)
            scope = (0, socket.if_nametoindex(zone)) if zone else ()
            trial.bind((address, 0, *scope))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "EIO")
    return ""
