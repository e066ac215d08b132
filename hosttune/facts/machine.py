"""What the machine is: distribution, kernel, CPUs, memory, virtualisation, cloud, container, privileges."""

from __future__ import annotations

import re

from hosttune.errors import HostError
from hosttune.facts import counters, ruleset
from hosttune.facts import queueing as queue_of_cpu
from hosttune.host import Host, in_first_network, is_image, proc, text
from hosttune.model import Machine, Reason, Unknown
from hosttune.resolve import os_release

# first match wins; sys_vendor or product or asset tag as the providers document them
CLOUDS = (
    ("Amazon EC2", "aws"),
    ("Google", "gcp"),
    ("Microsoft Corporation", "azure"),
    ("DigitalOcean", "digitalocean"),
    ("Hetzner", "hetzner"),
    ("OpenStack", "openstack"),
    ("Alibaba Cloud", "alibaba"),
    ("Scaleway", "scaleway"),
)
_X86_PAGE = 4096
_HYPERVISORS = (
    ("QEMU", "kvm"),
    ("KVM", "kvm"),
    ("VMware", "vmware"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Microsoft Corporation", "microsoft"),
    ("Amazon EC2", "amazon"),
    ("Google Compute", "kvm"),
)


def gather(host: Host, *, tracking: bool = True) -> Machine:
    """Return what the host says of itself; what it does not say is None, "" or Unknown, never a guess.

    Without `tracking` it is not asked whether conntrack tracks, for which all rules of the packet filter are read.
    """
    release = os_release.read(host)
    dmi = " ".join(text(host, f"/sys/class/dmi/id/{n}") for n in ("sys_vendor", "product_name", "bios_vendor"))
    meminfo, kernel = text(host, "/proc/meminfo"), text(host, "/proc/sys/kernel/osrelease")
    memory = counters.read(host, "/proc/meminfo")
    users = proc.status(text(host, "/proc/self/status")).get("Uid", "").split()
    return Machine(
        hostname=text(host, "/proc/sys/kernel/hostname") or text(host, "/etc/hostname"),
        distribution=release.get("ID", ""),
        version=release.get("VERSION_ID", ""),
        pretty=release.get("PRETTY_NAME", ""),
        kernel=kernel,
        cpus=online_cpus(host),
        memory=memory.get("memory.MemTotal"),
        memory_available=memory.get("memory.MemAvailable"),
        virtualisation=_virtualisation(host, dmi),
        cloud=next((name for mark, name in CLOUDS if mark in dmi), ""),
        container=_container(host),
        conntrack=_conntrack(host) if tracking else Unknown(Reason.UNDECIDED, "the rules were not read"),
        systemd=text(host, "/proc/1/comm") == "systemd",
        root_user=users[1:2] == ["0"],
        network_namespace=_namespace(host),
        page_size=_page_size(host, meminfo, kernel),
        queueing=queue_of_cpu.gather(host),
    )


def _page_size(host: Host, meminfo: str, kernel: str) -> int | None:
    """Return the bytes of a page; of a snapshot that does not say so what its architecture has, None for others.

    On x86 there is but one size, and x86 alone maps memory in pages of 4k and not of 64k too (arch_report_meminfo() of
    arch/x86/mm/pat/set_memory.c and of arch/powerpc).
    """
    try:
        return int(host.probe("page_size"))
    except HostError:
        mapped = "\nDirectMap4k:" in meminfo and "\nDirectMap64k:" not in meminfo
        return _X86_PAGE if mapped or re.search(r"[-.](amd64|x86_64|i[3-6]86|686(-pae)?)$", kernel) else None


def online_cpus(host: Host) -> int | None:
    """Return how many CPUs are online, as sysconf(3) counts them; None where the host does not say."""
    spans = re.findall(r"(\d{1,6})(?:-(\d{1,6}))?", text(host, "/sys/devices/system/cpu/online"))
    return sum(int(hi or lo) - int(lo) + 1 for lo, hi in spans) or None


def _virtualisation(host: Host, dmi: str) -> str:
    named = next((name for mark, name in _HYPERVISORS if mark in dmi), "")
    if named:
        return named
    if kind := text(host, "/sys/hypervisor/type"):
        return kind
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", text(host, "/proc/cpuinfo"), re.M)
    return "unnamed hypervisor" if flags else ""


def _container(host: Host) -> str:
    if kind := text(host, "/run/systemd/container"):
        return kind
    # an image that was exported from docker and booted as a machine keeps /.dockerenv, but not the overlay below it
    mounted = proc.mounts(text(host, "/proc/self/mounts")) if host.glob("/.dockerenv") else []
    if any((mount.place, mount.type) == ("/", "overlay") for mount in mounted):
        return "docker"
    return "podman" if host.glob("/run/.containerenv") else ""


def _conntrack(host: Host) -> bool | Unknown:
    """Say whether conntrack tracks here: a rule has to ask for it, of this namespace (nf_ct_netns_get()).

    Entries alone say nothing: they stay when the last such rule goes. They are what is left to judge by where the rules
    cannot be read.
    """
    count = text(host, "/proc/sys/net/netfilter/nf_conntrack_count")
    if not count:
        return Unknown(Reason.UNDECIDED, "an image has no kernel") if is_image(host) else False
    rules = ruleset.gather(host)
    if isinstance(rules, Unknown):
        return _by_entries(host, count, rules)
    if rules.tracks:
        return rules.tracks
    if rules.others:
        return Unknown(Reason.UNDECIDED, f"no rule asks for it, but {', '.join(rules.others)} may")
    if count != "0":
        return Unknown(Reason.UNDECIDED, f"no rule asks for it now, but {int(count):,} entries are in the table")
    return False


def _by_entries(host: Host, count: str, rules: Unknown) -> bool | Unknown:
    if count != "0":
        return True
    if counters.read(host, "/proc/net/sockstat").get("sockstat.TCP.inuse", 0) > 8:
        return False
    unread = "" if rules.reason is Reason.NOT_RECORDED else f"; {rules.detail}"
    return Unknown(
        Reason.UNDECIDED, f"the module is loaded, its table is empty and there is no traffic to judge by{unread}"
    )


def _namespace(host: Host) -> str:
    if is_image(host):
        return ""
    return "initial" if in_first_network(host) else "another"
