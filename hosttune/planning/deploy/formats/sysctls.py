"""Kernel settings of each host for those on which hosttune is not run: files that set, and a script that only raises.

A line of sysctl.d would lower what is better already: fs.nr_open below the limits that are in force, for one.
"""

from __future__ import annotations

from hosttune.model import Deployment, PlannedHost, Setting
from hosttune.model.findings import Value
from hosttune.programs import pieces

# what a loader sets from the top down must not stand above its ceiling, and a port is reserved before the range has it
_RESERVED = "net.ipv4.ip_local_reserved_ports"
_FIXED = ("equals", "covers", "one_of")
_TESTS = {"at_least": "-lt", "at_most": "-gt"}
"""How test(1) asks whether a value that is there does not do."""
_FIRST = ("fs.nr_open", "fs.file-max", _RESERVED)


def files(deployment: Deployment) -> dict[str, str]:
    """Return what each host that has a setting is given, and the modules that have to be there first."""
    texts: dict[str, str] = {}
    for host in deployment.hosts:
        keys = _keys(host)
        fixed = [setting for setting in keys if setting.operator in _FIXED and _key(setting) != _RESERVED]
        beside = [setting for setting in keys if setting.operator in _TESTS or _key(setting) == _RESERVED]
        if fixed:
            texts[f"hosts/{host.name}/sysctl.d/90-hosttune.conf"] = _text(deployment, host, fixed)
        if beside:
            texts[f"hosts/{host.name}/sysctl.sh"] = _script(deployment, host, beside)
        if host.tier.conntrack and any(_of_conntrack(_key(setting)) for setting in keys):
            head = pieces.head(deployment, host, "modules whose settings stand in sysctl.d")
            texts[f"hosts/{host.name}/modules-load.d/90-hosttune.conf"] = f"# {head}\nnf_conntrack\n"
    return texts


def _keys(host: PlannedHost) -> list[Setting]:
    """Return the sysctls of a host, in a safe order."""
    settings = {_key(s): s for s in host.settings if s.subject.startswith("sysctl:")}
    ordered = sorted(settings, key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key))
    return [settings[key] for key in ordered]


def _key(setting: Setting) -> str:
    return setting.subject.removeprefix("sysctl:")


def written(value: Value) -> str:
    """Return a value as sysctl takes it: several numbers with spaces between them."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _of_conntrack(key: str) -> bool:
    return key.startswith(("net.netfilter.nf_conntrack", "net.nf_conntrack"))


def _text(deployment: Deployment, host: PlannedHost, keys: list[Setting]) -> str:
    lines = [
        f"# {pieces.head(deployment, host, 'kernel settings')}",
        "# `hosttune apply` writes its own file, from what the host is now: use this one where hosttune is not run.",
        "# Run sysctl.sh first, then put this into /etc/sysctl.d and load it with `sysctl -p FILE`.",
    ]
    for setting in keys:
        # a dash: no error where the kernel has no such key, as it is without the module
        may_be_absent = "-" if _of_conntrack(_key(setting)) and not host.tier.conntrack else ""
        lines += [f"# {' '.join(setting.why.split())}", f"{may_be_absent}{_key(setting)} = {written(setting.value)}"]
    return "\n".join(lines) + "\n"


def _script(deployment: Deployment, host: PlannedHost, keys: list[Setting]) -> str:
    """Return a script that gives the host what it lacks, and keeps what is better: a file could only set."""
    lines = []
    for setting in keys:
        lines.append(f"# {' '.join(setting.why.split())}")
        if _key(setting) == _RESERVED:
            lines.append(f"reserve {_RESERVED} {written(setting.value)}")
        else:
            lines.append(f"need {_key(setting)} {_TESTS[setting.operator]} '{written(setting.value)}'")
    head = pieces.head(deployment, host, "kernel settings that may be better already")
    return pieces.filled(__file__, "sysctl.sh.in", head=head, keys=lines)
