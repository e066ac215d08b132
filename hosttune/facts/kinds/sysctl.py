"""Sysctls in their layers: what the kernel holds now, what the files on disk will make of it at boot."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import Host, in_first_network, is_image, text
from hosttune.model import Given, GivenSysctl, Origin, Programs, Reading, Reason, Subject, Unknown, Value, Where
from hosttune.resolve import os_release, sysctl_procps, sysctl_systemd
from hosttune.resolve.sysctl_files import Resolution, surviving
from hosttune.resolve.sysctl_value import display, kernel_value, known_count, normalise, shape_of

# what a new network namespace takes from the first one as it is then: net/ipv4/tcp_ipv4.c tcp_sk_init(),
# net/ipv4/devinet.c devinet_init_net(), net/core/neighbour.c neigh_parms_alloc()
_TAKEN = (
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.conf.",
    "net.ipv6.conf.",
    "net.ipv4.neigh.",
    "net.ipv6.neigh.",
)
_OUT_OF_REACH = "sysctl.d does not reach it"
# key, release that removed it (git log of the file that had it)
_GONE = {"net.ipv4.tcp_tw_recycle": "4.12"}
_MODULES = (("net.netfilter.nf_conntrack", "nf_conntrack"), ("net.bridge.", "br_netfilter"))

_NOT_THERE = {
    Reason.ABSENT: "this kernel has no such key",
    Reason.GONE: "this kernel has no such key",
    Reason.MODULE: "this kernel has no such key",
    Reason.INVISIBLE: "host-wide, not visible from this network namespace",
}

KEYS = (
    "fs.epoll.max_user_watches",
    "fs.file-max",
    "fs.nr_open",
    "kernel.pid_max",
    "kernel.threads-max",
    "net.core.netdev_max_backlog",
    "net.core.somaxconn",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_local_port_step_width",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_recycle",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_reuse_delay",
    "net.ipv4.tcp_wmem",
    "net.ipv6.neigh.default.gc_thresh3",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_tcp_timeout_close",
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_fin_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_last_ack",
    "net.netfilter.nf_conntrack_tcp_timeout_syn_recv",
    "net.netfilter.nf_conntrack_tcp_timeout_syn_sent",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_fin_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_last_ack",
    "net.netfilter.nf_conntrack_tcp_timeout_close",
    "net.netfilter.nf_conntrack_tcp_timeout_established",
    "vm.max_map_count",
)
"""What the bounds, the lints and the causes need, whatever the profiles name: there is no other such list."""

ALIKE = (
    "fs.aio-max-nr",
    "fs.aio-nr",
    "fs.fanotify.max_user_groups",
    "fs.fanotify.max_user_marks",
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
    "user.max_fanotify_groups",
    "user.max_fanotify_marks",
    "user.max_inotify_instances",
    "user.max_inotify_watches",
)
"""Limits of other things than connections, whose errnos are those of descriptors and memory: for causes alone."""

# no - at the begin: there it is no part of a name (sysctl.d(5)); no .. in it: the way out of /proc/sys
NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)+")


@dataclass(frozen=True, slots=True)
class Files:
    """What both loaders would make of this host's files: `boot` is systemd-sysctl's, `reload` procps'.

    `now` is systemd-sysctl's before the next boot, from what lies in /run too; None where nothing does.
    """

    boot: Resolution
    reload: Resolution
    now: Resolution | None = None


def files(host: Host, keys: tuple[str, ...] = ()) -> Files:
    """Resolve all sysctl files under both loaders; `keys` are matched by globs even where /proc/sys is missing."""
    return Files(
        sysctl_systemd.resolve_systemd(host, keys=keys),
        sysctl_procps.resolve_procps(host, procps_release(host), keys=keys),
        sysctl_systemd.resolve_systemd(host, keys, now=True) if host.glob("/run/sysctl.d/*.conf") else None,
    )


def procps_release(host: Host) -> tuple[int, int, int]:
    """Return the procps release that this host's distribution ships; the newest known where it is another."""
    fields = os_release.read(host)
    name, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
    shipped = {
        ("debian", "11"): (3, 3, 17),
        ("debian", "12"): (4, 0, 2),
        ("ubuntu", "20.04"): (3, 3, 16),
        ("ubuntu", "22.04"): (3, 3, 17),
    }
    if name in ("rhel", "rocky", "almalinux", "centos", "ol"):
        return (3, 3, 15) if version.startswith("8") else (3, 3, 17) if version.startswith("9") else (4, 0, 4)
    return shipped.get((name, version), (4, 0, 4))


def read(host: Host, names: tuple[str, ...]) -> dict[str, Reading]:
    """Read each named sysctl in its layers; what cannot be read is Unknown and stops nothing."""
    image, layers = is_image(host), files(host, names)
    initial = image or in_first_network(host)
    loaded_at_boot = modules_at_boot(host)
    return {name: _reading(host, name, layers, image, initial, loaded_at_boot) for name in names}


def always(programs: Programs) -> tuple[str, ...]:
    """Return the keys that are read whatever profiles name."""
    return KEYS


def limits(host: Host, keys: tuple[str, ...] = KEYS) -> Mapping[str, Value | Unknown]:
    """Return the values in force of KEYS, which use is held against; Unknown with the reason where one is not read."""
    initial = in_first_network(host)
    return {key: runtime(host, key, initial) for key in keys}


def now(host: Host, name: str) -> str:
    """Return the value that the kernel has now, as it writes it."""
    try:
        return host.read(f"/proc/sys/{normalise(name)}").strip().replace("\t", " ")
    except HostError as error:
        return f"({error})"


def missing(host: Host, name: str, of_the_host: bool) -> Unknown | None:
    """Return why this kernel shows no such key, None where it is there; one `of_the_host` is shown there alone."""
    initial = in_first_network(host)
    value = runtime(host, name, initial)
    if not isinstance(value, Unknown) or value.reason not in _NOT_THERE:
        return None
    reason = value.reason
    if reason is Reason.ABSENT and of_the_host and name.startswith("net.") and not initial:
        reason = Reason.INVISIBLE
    more = f": module {value.detail} is not loaded" if reason is Reason.MODULE else ""
    return Unknown(reason, f"{_NOT_THERE[reason]}{more}")


def spelled(name: str) -> str:
    """Return a key with dots: it may be written with slashes too, as sysctl(8) takes it."""
    return display(normalise(name))


def of_namespace(name: str) -> bool:
    """Say whether each network namespace has a value of its own of a key, which is set from inside it."""
    return not kernel.of_the_host(name)


def at_start(readings: Mapping[str, Reading], where: Where, known: Mapping[str, Value | None]) -> dict[str, Reading]:
    """Return the readings with what is there after a start of what is judged, where no file of this host sets it.

    A network namespace other than the first begins with the kernel's defaults, `known` by subject, and with what the
    runtime of a container sets. Inside one the host's files, which decide on its own keys, are not seen.
    """
    started = dict(readings)
    given = {each.key: each for each in reversed(where.given.sysctls)} if isinstance(where.given, Given) else {}
    for subject, reading in readings.items():
        if isinstance(reading.runtime, Unknown):
            continue
        if of_namespace(reading.subject.name):
            if not where.loaded:
                fresh = _fresh(reading, where, known.get(subject))
                line = given.get(reading.subject.name)
                started[subject] = _made(fresh, line) if line else _unseen(fresh, where)
        elif where.contained and where.inside:
            unseen = Unknown(Reason.UNDECIDED, "the host's files decide, which are not seen in here")
            started[subject] = dataclasses.replace(reading, boot=unseen, origin=None, beaten=(), notes=())
    return started


def _fresh(reading: Reading, where: Where, default: Value | None) -> Reading:
    name, note = reading.subject.name, f"kernel default of a new namespace; {_OUT_OF_REACH}"
    taken = dict(where.inherited).get(name)
    boot: Value | Unknown
    if taken is not None:
        boot, note = kernel_value(taken, shape_of(taken, name)), f"a new namespace takes the host's; {_OUT_OF_REACH}"
    elif name.startswith(_TAKEN):
        boot = Unknown(Reason.UNDECIDED, f"a new namespace takes the host's, not seen from here; {_OUT_OF_REACH}")
    elif default is None:
        boot = Unknown(Reason.UNDECIDED, f"the kernel default of a new namespace is not known; {_OUT_OF_REACH}")
    else:
        boot = default
    return dataclasses.replace(reading, boot=boot, origin=None, beaten=(), notes=(note,), fresh=True)


def _made(fresh: Reading, line: GivenSysctl) -> Reading:
    """Return a reading with what a new container gets by a line of whoever makes it."""
    boot = kernel_value(line.text, _count(fresh.subject.name, fresh.runtime), fresh.subject.name)
    return dataclasses.replace(fresh, boot=boot, origin=line.origin, notes=(), fresh=False)


def _unseen(fresh: Reading, where: Where) -> Reading:
    """Return a reading of what nothing sets that is seen, which may be due to what is not seen of a container.

    Where it has the value that a new namespace begins with, nothing sets another as far as is known.
    """
    if isinstance(where.given, Given) and where.given.own_files:
        # as from inside: its own files do not set it
        return dataclasses.replace(fresh, boot=Unknown(Reason.UNSET), notes=(), fresh=False)
    if not where.contained or not isinstance(where.given, Unknown) or fresh.boot == fresh.runtime:
        return fresh
    why = f"whoever made the container may set it: {where.given.detail}"
    return dataclasses.replace(fresh, boot=Unknown(Reason.UNDECIDED, why), notes=(why,))


def runtime(host: Host, name: str, initial: bool = True) -> Value | Unknown:
    """Return the kernel's value now, or why there is none."""
    try:
        answer = host.read(f"/proc/sys/{normalise(name)}")
    except HostError as error:
        return _why_not(name, error, initial)
    return kernel_value(answer, shape_of(answer, name))


def _why_not(name: str, error: HostError, initial: bool) -> Unknown:
    if error.reason is not Reason.ABSENT:
        return Unknown(error.reason, error.detail)
    if name in _GONE:
        return Unknown(Reason.GONE, f"removed in Linux {_GONE[name]}")
    for prefix, module in _MODULES:
        if name.startswith(prefix):
            return Unknown(Reason.MODULE, module)
    if not initial and name.startswith(kernel.INITIAL_ONLY):
        return Unknown(Reason.INVISIBLE, "run hosttune on the host")
    return Unknown(Reason.ABSENT, "this kernel has no such key")


def _reading(
    host: Host, name: str, layers: Files, image: bool, initial: bool, loaded_at_boot: frozenset[str]
) -> Reading:
    now = Unknown(Reason.UNDECIDED, "an image has no kernel") if image else runtime(host, name, initial)
    resolved = layers.boot.values.get(name)
    other = layers.reload.values.get(name)
    notes: list[str] = []
    boot: Value | Unknown = Unknown(Reason.UNSET)
    origin: Origin | None = None
    beaten: tuple[Origin, ...] = ()
    if resolved is not None:
        boot = kernel_value(resolved.text, _count(name, now), name)
        origin, beaten = resolved.origin, resolved.beaten
        late = _late_module(name, resolved.origin, loaded_at_boot)
        if late:
            # the line will find no key: what the module brings is its own default, and nothing tries again
            boot = Unknown(Reason.MODULE, late)
    passing = layers.now.values.get(name) if layers.now else None
    if passing and passing.origin.path.startswith("/run/"):
        notes.append(f"{passing.origin} sets {passing.text} until the next boot: /run is empty then")
    if (resolved.text if resolved else None) != (other.text if other else None):
        setting = f"{other.text} ({other.origin})" if other else "nothing"
        notes.append(f"`sysctl --system` would set {setting}; systemd-sysctl, at boot, decides otherwise")
    return Reading(Subject("sysctl", name), now, boot, origin, beaten, tuple(notes))


def _count(name: str, now: Value | Unknown) -> int | None:
    known = known_count(name)
    if known is not None or isinstance(now, Unknown):
        return known
    return len(now) if isinstance(now, tuple) else 1 if isinstance(now, int) else 0


def _late_module(name: str, origin: Origin, loaded_at_boot: frozenset[str]) -> str:
    for prefix, module in _MODULES:
        if name.startswith(prefix) and module not in loaded_at_boot:
            return f"{origin} does nothing, for {module} is in no modules-load.d file and comes after systemd-sysctl"
    return ""


def module_of(name: str) -> str:
    """Return the module that brings a key, "" where the kernel has it by itself."""
    return next((module for prefix, module in _MODULES if name.startswith(prefix)), "")


def modules_at_boot(host: Host) -> frozenset[str]:
    """Return the modules that are loaded before systemd-sysctl runs (modules-load.d(5))."""
    lines = [
        line.strip()
        for path in surviving(host, now=False, kind="modules-load.d")
        for line in text(host, path).splitlines()
    ]
    # modprobe takes both for the same (libkmod, alias_normalize())
    return frozenset(line.replace("-", "_") for line in lines if line[:1] not in ("", "#", ";"))
