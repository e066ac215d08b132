"""Mosquitto: a listener for each port of a broker, and its limit of connections."""

from __future__ import annotations

from hosttune.model import Deployment, PlannedHost
from hosttune.programs import pieces


def files(deployment: Deployment) -> dict[str, str]:
    """Return mosquitto.conf of each broker."""
    return {
        f"hosts/{host.name}/mosquitto.conf": _text(deployment, host) for host in pieces.running(deployment, "mosquitto")
    }


def _text(deployment: Deployment, host: PlannedHost) -> str:
    message = deployment.sizing.topology.message
    lines = [
        f"# {pieces.head(deployment, host, 'Mosquitto')}",
        "# nothing is kept over a restart: a device that comes back begins anew",
        "persistence false",
        "# a line for each of very many connections would fill the disk",
        "connection_messages false",
        "# anybody may connect: right for a load test in a closed network only, else name a password_file or a plugin",
        "allow_anonymous true",
    ]
    if message.keepalive:
        lines.append(f"# a device that has sent nothing for {message.keepalive * 1.5:,.0f} s is taken for gone")
    for number, port in enumerate(host.ports):
        lines += ["", f"listener {port} {host.address}"]
        if host.tier.connections_max:
            # the limit is the listener's: all of them together may not pass the host's
            each = max((host.tier.connections_max + number) // len(host.ports), 1)
            lines.append(f"max_connections {each}")
    return "\n".join(lines) + "\n"
