"""Which interfaces there are, and the VRF of each (RTM_GETLINK of rtnetlink(7), drivers/net/vrf.c)."""

from __future__ import annotations

import os
import socket
import struct
import sys

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Interface
from hosttune.model import Reason

_NEWLINK, _GETLINK = 16, 18
_IFINFOMSG = struct.Struct("=BBHiII")  # struct ifinfomsg
_MASTER, _LINKINFO, _KIND = 10, 18, 1  # IFLA_MASTER, IFLA_LINKINFO, IFLA_INFO_KIND


def run() -> dict[Interface, str]:
    """Return the VRF of each interface by its name, "" for none; a VRF is its own. Raises HostError."""
    try:
        names = dict(socket.if_nameindex())
        links = netlink.steady(_asked)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error
    vrfs = {index for index, (_, kind) in links.items() if kind == "vrf"}
    of = {index: index if index in vrfs else master if master in vrfs else 0 for index, (master, _) in links.items()}
    return {name: names.get(of.get(index, 0), "") for index, name in names.items()}


def _asked() -> dict[int, tuple[int, str]]:
    """Return the master and the kind of each interface by its number."""
    links: dict[int, tuple[int, str]] = {}
    with netlink.opened(socket.NETLINK_ROUTE) as link:
        asked = _IFINFOMSG.pack(0, 0, 0, 0, 0, 0)
        link.send(struct.pack("=IHHII", netlink.HEADER + len(asked), _GETLINK, netlink.REQUEST_DUMP, 1, 0) + asked)
        for kind, data, at, end in netlink.messages(link, 1 << 18, consistent=True):
            if kind != _NEWLINK or end - at < netlink.HEADER + _IFINFOMSG.size:
                continue
            index = _IFINFOMSG.unpack_from(data, at + netlink.HEADER)[3]
            fields = netlink.attributes(data, at + netlink.HEADER + _IFINFOMSG.size, end)
            info = fields.get(_LINKINFO, b"")
            kinds = netlink.attributes(info, 0, len(info)).get(_KIND, b"")
            master = fields.get(_MASTER, b"")
            links[index] = (int.from_bytes(master, sys.byteorder), kinds.rstrip(b"\0").decode("ascii", "replace"))
    return links
