"""The ports that have a TCP listener."""

from __future__ import annotations

import re

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import Host, text


def ports(host: Host) -> int:
    """Return the ports with a TCP listener of either family, as a set of bits (sock_diag(7), proc_pid_net(5))."""
    try:
        return sum(1 << port for port in {h["port"] for h in host.probe("sockets", backends=[])["held"] if h["listen"]})
    except HostError:
        return _listed(host)


def _listed(host: Host) -> int:
    ports = 0
    for name in ("tcp", "tcp6"):
        for line in text(host, f"/proc/net/{name}").splitlines()[1:]:
            fields = line.split()
            port = fields[1].rpartition(":")[2] if len(fields) > 3 and fields[3] == f"{kernel.LISTEN:02X}" else ""
            if re.fullmatch(r"[0-9A-F]{4}", port):
                ports |= 1 << int(port, 16)
    return ports
