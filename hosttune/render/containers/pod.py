"""Part of a pod's specification: its sysctls; descriptors have no field there (kubernetes#3595, KEP-5758)."""

from __future__ import annotations

from hosttune.model import Shortfall
from hosttune.render.containers import limits, string, word

COMMENT = "#"

SAFE = {
    "net.ipv4.ip_local_port_range": "",
    "net.ipv4.tcp_syncookies": "",
    "net.ipv4.ping_group_range": "",
    "net.ipv4.ip_unprivileged_port_start": "",
    "net.ipv4.ip_local_reserved_ports": "1.27",
    "net.ipv4.tcp_keepalive_time": "1.29",
    "net.ipv4.tcp_fin_timeout": "1.29",
    "net.ipv4.tcp_keepalive_intvl": "1.29",
    "net.ipv4.tcp_keepalive_probes": "1.29",
    "net.ipv4.tcp_rmem": "1.32",
    "net.ipv4.tcp_wmem": "1.32",
}
"""Sysctls of a pod that a kubelet takes without being told to, and since which release.

"" for all that are maintained. kubernetes/pkg/kubelet/sysctl/safe_sysctls.go; documented in
"Using sysctls in a Kubernetes Cluster"."""


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the specification's part."""
    made = fragment(lacks)
    return ["spec:", *(f"  {line}" for line in made)] if made else []


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return where it goes, and what the node has to give."""
    tuned = "the node's own are set by a Job of `hosttune hook kubernetes`: see `hosttune docs kubernetes`"
    return [
        "in a Deployment, StatefulSet or DaemonSet it stands below spec.template",
        *allowed(lacks),
        *node(lacks),
        *([tuned] if lacks.host else ()),
    ]


def fragment(lacks: Shortfall) -> list[str]:
    """Return the lines below a pod's spec."""
    made = ["securityContext:", "  sysctls:"] if lacks.sysctls else []
    for key, value in lacks.sysctls:
        made += [f"  - name: {word(key)}", f"    value: {string(value)}"]
    return made


def allowed(lacks: Shortfall) -> list[str]:
    """Return what the kubelet of the node has to be told."""
    keys = [key for key, _ in lacks.sysctls]
    unsafe = ", ".join(key for key in keys if key not in SAFE)
    later = ", ".join(f"{key} ({SAFE[key]})" for key in keys if SAFE.get(key))
    made = [f"safe since a release of Kubernetes, before it to be allowed: {later}"] if later else []
    if unsafe:
        made += [f"not safe, so the configuration of the node's kubelet has to have: allowedUnsafeSysctls: [{unsafe}]"]
    return made


def node(lacks: Shortfall) -> list[str]:
    """Return what gives the descriptors that a pod cannot ask for."""
    if not lacks.nofile:
        return []
    return [
        f"a pod has no ulimits: LimitNOFILE={limits(lacks)} in a drop-in of the node's containerd.service (--emit "
        f'containerd), or CRI-O\'s default_ulimits = ["nofile={limits(lacks)}"]'
    ]
