"""Kernel settings of each host as sysctl.d and modules-load.d have them, for hosts on which hosttune is not run."""

from __future__ import annotations

from hosttune.emit import _parts
from hosttune.model import Deployment, PlannedHost
from hosttune.model.findings import Value

# what a loader sets from the top down must not stand above its ceiling, and a port is reserved before the range has it
_FIRST = ("fs.nr_open", "fs.file-max", "net.ipv4.ip_local_reserved_ports")


def files(deployment: Deployment) -> dict[str, str]:
    """Return sysctl.d/90-hosttune.conf of each host that has a setting, and the modules that have to be there first."""
    found: dict[str, str] = {}
    for host in deployment.hosts:
        keys = settings(host)
        if keys:
            found[f"hosts/{host.name}/sysctl.d/90-hosttune.conf"] = _text(deployment, host, keys)
        if host.tier.conntrack and any(_of_conntrack(key) for key in keys):
            head = _parts.head(deployment, host, "modules whose settings stand in sysctl.d")
            found[f"hosts/{host.name}/modules-load.d/90-hosttune.conf"] = f"# {head}\nnf_conntrack\n"
    return found


def settings(host: PlannedHost) -> dict[str, tuple[str, str]]:
    """Return value and reason of each key, in a safe order."""
    found = {s.subject.removeprefix("sysctl:"): s for s in host.settings if s.subject.startswith("sysctl:")}
    ordered = sorted(found, key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key))
    return {key: (written(found[key].value), found[key].why) for key in ordered}


def written(value: Value) -> str:
    """Return a value as sysctl takes it: several numbers with spaces between them."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _of_conntrack(key: str) -> bool:
    return key.startswith(("net.netfilter.nf_conntrack", "net.nf_conntrack"))


def _text(deployment: Deployment, host: PlannedHost, keys: dict[str, tuple[str, str]]) -> str:
    lines = [
        f"# {_parts.head(deployment, host, 'kernel settings')}",
        "# `hosttune apply` writes its own file, from what the host is now: use this one where hosttune is not run.",
        "# Put it into /etc/sysctl.d, then `sysctl -p FILE`, before any limit of descriptors is raised.",
    ]
    for key, (value, why) in keys.items():
        # a dash: no error where the kernel has no such key, as it is without the module
        may_be_absent = "-" if _of_conntrack(key) and not host.tier.conntrack else ""
        lines += [f"# {' '.join(why.split())}", f"{may_be_absent}{key} = {value}"]
    return "\n".join(lines) + "\n"
