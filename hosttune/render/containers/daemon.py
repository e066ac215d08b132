"""What dockerd gives every new container: a part of daemon.json (dockerd(8), default-ulimits)."""

from __future__ import annotations

import json

from hosttune.model import Shortfall
from hosttune.render.containers import kept_out

COMMENT = ""


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the part."""
    if not lacks.nofile:
        return []
    soft, hard = lacks.nofile
    made = {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": soft, "Hard": hard}}}
    return json.dumps(made, indent=2).split("\n")


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return where it goes."""
    return [
        "in /etc/docker/daemon.json; then: systemctl restart docker, and make the containers anew",
        *kept_out(lacks, "it", "docker or --emit compose"),
    ]
