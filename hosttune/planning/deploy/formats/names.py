"""The names of the hosts, for those that look them up in /etc/hosts."""

from __future__ import annotations

from hosttune.model import Deployment
from hosttune.programs import pieces


def files(deployment: Deployment) -> dict[str, str]:
    """Return lines for /etc/hosts."""
    lines = [
        f"# {pieces.head(deployment, None, 'names of the hosts')}",
        "# Add these lines to /etc/hosts where no name server knows the names: Tsung reaches its nodes by them.",
        *[f"{host.address} {host.name}" for host in deployment.hosts],
    ]
    return {"hosts/etc-hosts": "\n".join(lines) + "\n"}
