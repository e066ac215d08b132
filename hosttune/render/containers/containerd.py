"""What every new container of containerd inherits: a drop-in of its unit (systemd.exec(5), LimitNOFILE=)."""

from __future__ import annotations

from hosttune.model import Shortfall
from hosttune.render.containers import kept_out, limits

COMMENT = "#"


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the drop-in."""
    return ["[Service]", f"LimitNOFILE={limits(lacks)}"] if lacks.nofile else []


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return where it goes."""
    return [
        "/etc/systemd/system/containerd.service.d/50-hosttune.conf;",
        "then: systemctl daemon-reload && systemctl restart containerd, and make the containers anew",
        *kept_out(lacks, "a unit", "pod"),
    ]
