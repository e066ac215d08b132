"""What podman, buildah and CRI-O's tools give every new container: a drop-in of containers.conf(5)."""

from __future__ import annotations

from hosttune.model import Shortfall
from hosttune.render.containers import limits, string

COMMENT = "#"


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the drop-in."""
    sysctls = ", ".join(string(f"{key}={value}") for key, value in lacks.sysctls)
    made = [f"default_sysctls = [{sysctls}]"] if sysctls else []
    made += [f'default_ulimits = ["nofile={limits(lacks)}"]'] if lacks.nofile else []
    return ["[containers]", *made] if made else []


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return where it goes, and what it takes the place of."""
    return [
        "/etc/containers/containers.conf.d/50-hosttune.conf, or ~/.config/containers/... for a user's;",
        "its lists take the place of those of the files before it; then make the containers anew",
    ]
