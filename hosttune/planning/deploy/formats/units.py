"""Drop-ins of systemd with the descriptors of a service, for hosts on which hosttune is not run."""

from __future__ import annotations

from hosttune.model import Deployment, PlannedHost
from hosttune.planning.deploy.formats import limits
from hosttune.programs import pieces


def files(deployment: Deployment) -> dict[str, str]:
    """Return SERVICE.service.d/90-hosttune.conf for each service that runs on a host, or may."""
    texts: dict[str, str] = {}
    for host in deployment.hosts:
        for program, how in pieces.programs(deployment, host.tier).items():
            if how.service:
                path = f"hosts/{host.name}/{program}.service.d/90-hosttune.conf"
                texts[path] = _text(deployment, host, program)
    return texts


def _text(deployment: Deployment, host: PlannedHost, program: str) -> str:
    soft, hard = _nofile(deployment, host)
    lines = [
        f"# {pieces.head(deployment, host, f'descriptors of {program}.service')}",
        "# `hosttune apply` writes its own drop-in: use this one where hosttune is not run. Put it into",
        f"# /etc/systemd/system/{program}.service.d once fs.nr_open is as large, else the service does not start; then",
        f"# systemctl daemon-reload && systemctl restart {program}",
        "[Service]",
        f"LimitNOFILE={soft}" if soft == hard else f"LimitNOFILE={soft}:{hard}",
    ]
    return "\n".join(lines) + "\n"


def _nofile(deployment: Deployment, host: PlannedHost) -> tuple[int, int]:
    """Return what the plan asks for, at least what the emitted configuration takes; never more than can be had."""
    own = host.workload.own_descriptors
    share = -(-pieces.most(host, deployment.sizing.topology) // host.tier.processes)
    need = pieces.descriptors(host, share, own)
    soft, hard = limits.of(host, "nofile:service") or (need, need)
    most = host.tier.nofile or max(soft, hard, need)
    hard = min(max(hard, need), most)
    return min(max(soft, need), most), hard if host.tier.nofile else max(hard, limits.HARD)
