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
    return pieces.filled(
        __file__,
        "mosquitto.conf.in",
        head=pieces.head(deployment, host, "Mosquitto"),
        keepalive=message.keepalive,
        gone=f"{message.keepalive * 1.5:,.0f}",
        listeners=[line for number, port in enumerate(host.ports) for line in _listener(host, number, port)],
    )


def _listener(host: PlannedHost, number: int, port: int) -> list[str]:
    lines = ["", f"listener {port} {host.address}"]
    if host.tier.connections_max:
        # the limit is the listener's: all of them together may not pass the host's
        lines.append(f"max_connections {max((host.tier.connections_max + number) // len(host.ports), 1)}")
    return lines
