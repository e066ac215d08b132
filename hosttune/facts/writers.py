"""What else will write these values: daemons, a disabled loader, the kernel command line."""

from __future__ import annotations

import re

from hosttune.host import Host, is_image, proc, text
from hosttune.resolve.systemd_units import is_masked

# unit, what it does to the values that hosttune looks at
_DAEMONS = (
    ("tuned", "applies its active profile's sysctls after boot"),
    ("bpftune", "changes buffers, backlogs and neighbour limits while it runs"),
    ("kubelet", "sets vm.overcommit_memory, kernel.panic and what pods ask for"),
    ("kube-proxy", "sets nf_conntrack_max and the conntrack timeouts"),
    ("docker", "sets net.ipv4.ip_forward and loads conntrack"),
    ("NetworkManager", "writes per-interface keys when a link comes up"),
    ("firewalld", "loads conntrack and its rules track connections"),
    ("ufw", "applies /etc/ufw/sysctl.conf after systemd-sysctl"),
    ("cloud-final", "cloud-init may run sysctl -w in bootcmd or runcmd"),
    ("google-guest-agent", "may write sysctls of its own"),
    ("walinuxagent", "may write sysctls of its own"),
    ("rc-local", "runs /etc/rc.local after systemd-sysctl"),
)


# the command name of a process (15 bytes, proc_pid_comm(5)), the beginnings of the keys that it writes while it runs
_HOLDERS = (
    ("tuned", ("",)),
    ("bpftune", ("net.",)),
    ("kubelet", ("vm.", "kernel.")),
    ("kube-proxy", ("net.netfilter.", "net.nf_conntrack_max")),
    ("dockerd", ("net.ipv4.ip_forward", "net.ipv6.conf.")),
    ("NetworkManager", ("net.ipv4.conf.", "net.ipv6.conf.")),
    ("google_guest_ag", ("",)),
    ("waagent", ("",)),
    ("puppet", ("",)),
    ("chef-client", ("",)),
    ("salt-minion", ("",)),
    ("cf-agent", ("",)),
)
_TUNED = ("/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned")
_INCLUDES = 8


def holders(host: Host, key: str) -> tuple[str, ...]:
    """Return a sentence for each program that is known to write a sysctl: those that run, and tuned's profile.

    `key` in dotted form. tuned(8) puts back what its profile sets; the line of it is named where there is one.
    """
    line = _tuned(host, key)
    if line:
        return (f"tuned sets it ({line})",)
    running = {text(host, path) for path in host.glob("/proc/[0-9]*/comm")}
    # what is a script runs under the name of its interpreter
    running |= {"waagent"} if host.glob("/etc/systemd/system/*.wants/walinuxagent.service") else set()
    likely = (name for name, keys in _HOLDERS if name in running and key.startswith(keys))
    return tuple(f"{name} is running and may set it" for name in likely)


def _tuned(host: Host, key: str) -> str:
    """Return FILE:LINE that sets a key in tuned's active profile, or in one that it includes; "" where none does."""
    todo = text(host, "/etc/tuned/active_profile").split()
    seen: set[str] = set()
    while todo and len(seen) < _INCLUDES:
        name = todo.pop(0)
        if name in seen or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            continue
        seen.add(name)
        path = next((p for place in _TUNED if text(host, p := f"{place}/{name}/tuned.conf")), "")
        for number, line in enumerate(text(host, path).splitlines() if path else (), 1):
            match = re.match(r"\s*([A-Za-z0-9_./-]+)\s*=>?\s*(.*)", line)
            if match and match[1] == key:
                return f"{path}:{number}"
            if match and match[1] == "include":
                todo += match[2].replace(",", " ").split()
    return ""


def warnings(host: Host, loaded: bool = True) -> tuple[str, ...]:
    """Return one sentence for each thing that may overwrite a value, or keep the files from being applied.

    `loaded`: the files of this host reach what is judged at all.
    """
    return tuple([*(_loader(host) if loaded else []), *_cmdline(host), *_daemons(host), *_read_only(host)])


def _loader(host: Host) -> list[str]:
    for unit in ("/etc/systemd/system/systemd-sysctl.service", "/run/systemd/system/systemd-sysctl.service"):
        if host.glob(unit) and is_masked(host, unit):
            return [f"systemd-sysctl.service is masked ({unit}): no sysctl.d file is applied at boot"]
    pid1 = text(host, "/proc/1/comm")
    if pid1 and pid1 != "systemd":
        return [f"PID 1 is {pid1}, not systemd: the boot values hold only where systemd starts this system"]
    if is_image(host) and not host.glob("/usr/lib/systemd/systemd-sysctl") + host.glob("/lib/systemd/systemd-sysctl"):
        return ["systemd-sysctl is not in this image: the boot values hold only where it is what applies the files"]
    return []


def _cmdline(host: Host) -> list[str]:
    words = [w for w in text(host, "/proc/cmdline").split() if w.startswith("sysctl.")]
    return [f"the kernel command line sets {w[7:]} before any file does" for w in words]


def _daemons(host: Host) -> list[str]:
    enabled = {p.rsplit("/", 1)[1] for p in host.glob("/etc/systemd/system/*.wants/*.service")}
    enabled |= {p.rsplit("/", 1)[1] for p in host.glob("/usr/lib/systemd/system/*.wants/*.service")}
    return [f"{name} is enabled: {what}" for name, what in _DAEMONS if f"{name}.service" in enabled]


def _read_only(host: Host) -> list[str]:
    where = mounted_read_only(host, "/proc/self/mounts")
    # a unit with ProtectKernelTunables= has it so for itself alone: systemd.exec(5)
    if not where or (text(host, "/proc/1/mounts") and not mounted_read_only(host, "/proc/1/mounts")):
        return []
    return [f"{where} is mounted read-only here: values can be read, not set, from inside"]


def mounted_read_only(host: Host, path: str) -> str:
    """Return /proc or /proc/sys where a list of mounts, proc_pid_mounts(5), has it read-only; "" where it has not."""
    mounts = proc.mounts(text(host, path))
    return next((m.place for m in mounts if m.place in ("/proc/sys", "/proc") and "ro" in m.options), "")
