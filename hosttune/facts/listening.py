"""The ports that have a TCP listener."""

from __future__ import annotations

from hosttune.errors import HostError
from hosttune.host import Host, proc_net, text


def ports(host: Host) -> int:
    """Return the ports with a TCP listener of either family, as a set of bits (sock_diag(7), proc_pid_net(5))."""
    try:
        return sum(1 << port for port in {h["port"] for h in host.probe("sockets", backends=[])["held"] if h["listen"]})
    except HostError:
        return _listed(host)


def _listed(host: Host) -> int:
    ports = 0
    for family, name in proc_net.NAMES.items():
        for line in text(host, f"/proc/net/{name}").splitlines()[1:]:
            port = proc_net.listening(family, line.encode(errors="replace"))
            ports |= 1 << port if port is not None else 0
    return ports
