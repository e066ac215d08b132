"""Descriptor limits of logins, for programs that are started from a shell or over ssh: limits.conf(5)."""

from __future__ import annotations

from hosttune.model import Deployment, PlannedHost
from hosttune.programs import pieces

HARD = 512 * 1024
"""The hard limit that systemd gives where nothing says otherwise (HIGH_RLIMIT_NOFILE): no file here is below it."""


def files(deployment: Deployment) -> dict[str, str]:
    """Return limits.d/90-hosttune.conf of each host whose plan raises the limit of a login."""
    texts: dict[str, str] = {}
    for host in deployment.hosts:
        pair = of(host, "nofile:login")
        if pair:
            texts[f"hosts/{host.name}/limits.d/90-hosttune.conf"] = _text(deployment, host, pair)
    return texts


def of(host: PlannedHost, subject: str) -> tuple[int, int] | None:
    """Return soft and hard nofile that the plan asks for, None where it asks for none."""
    value = next((setting.value for setting in host.settings if setting.subject == subject), None)
    if isinstance(value, int):
        return value, value
    return (value[0], value[-1]) if isinstance(value, tuple) and value else None


def _text(deployment: Deployment, host: PlannedHost, pair: tuple[int, int]) -> str:
    soft, hard = pair[0], max(pair[1], HARD)
    rows = [f"{who} {kind} nofile {value}" for who in ("*", "root") for kind, value in (("soft", soft), ("hard", hard))]
    lines = [
        f"# {pieces.head(deployment, host, 'limits of logins')}",
        "# Put it into /etc/security/limits.d once fs.nr_open is as large, else logins fail. A service of systemd does",
        "# not read it. The asterisk is not root (limits.conf(5)). `hosttune apply` writes its own file.",
        *rows,
    ]
    return "\n".join(lines) + "\n"
