"""What is judged and whose it is: the namespaces of this process or of another, and who keeps the container."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hosttune.errors import HostError
from hosttune.facts import group_names
from hosttune.facts.writers import mounted_read_only
from hosttune.host import Host, proc, text
from hosttune.model import NAMELESS, Container, Given, Machine, Namespaces, Reason, Site, Unknown, Where

if TYPE_CHECKING:
    from hosttune.facts.containers import Kept

# PROC_PID_INIT_INO: include/linux/proc_ns.h, include/uapi/linux/nsfs.h
_FIRST_PIDS = "4026531836"
Patterns = Sequence[tuple[str, re.Pattern[str]]]

_ID = r"[0-9a-f]{12,64}"
# what a runtime mounts into a container from a directory of its own, proc_pid_mountinfo(5)
_MOUNTS = (
    ("kubernetes", re.compile(r"/kubelet/pods/([0-9a-f-]{36})/")),
    ("docker", re.compile(rf"/docker/containers/({_ID})/")),
    ("podman", re.compile(rf"/overlay-containers/({_ID})/userdata/")),
    ("containerd", re.compile(rf"/io\.containerd\.[^ ]*/({_ID})/")),
)
_FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class Came:
    """How this process came to where it looks from.

    `origin` is the network namespace that it was started in, "" where it is still there, `inherited` values of the
    kernel's first one. `name` is that of a namespace that was entered by name, `process` the one that was named.
    """

    origin: str = ""
    inherited: tuple[tuple[str, str], ...] = ()
    name: str = ""
    process: int | None = None


HERE = Came()


def gather(host: Host, machine: Machine, came: Came = HERE) -> Where:
    """Return where this process looks from, or where the process that was named runs, as far as the host shows."""
    if not machine.kernel:
        return Where(site=Site.IMAGE)
    process = came.process
    own, first, other, names = _asked(host, process)
    initial = machine.network_namespace != "another"
    entered = came.origin not in ("", own.net)
    outside = _is_outside(other, own)
    closed = not (initial or entered or outside) and bool(mounted_read_only(host, "/proc/self/mounts"))
    owner, id = _owner(host, process, outside)
    if outside or (process is not None and owner):
        contained = not owner.endswith(".service")
    else:
        contained = not entered and _within_one(machine, own, closed)
        owner = owner or machine.container if contained else _only_of(process, owner)
    kept = _kept(host, process, id) if contained and outside and process is not None else None
    if kept:
        owner, id = owner or kept.runtime, kept.id
    files = other if outside else own
    return Where(
        site=_site(contained, initial),
        namespaces=Namespaces(own.net, files.mnt, files.user, files.pid),
        name=_name(came, own, initial, names),
        process=process,
        started=_started(host, process),
        owner=owner,
        id=(id or _id(host, owner, outside, initial)) if contained else "",
        inside=not outside,
        entered=entered,
        initial=initial,
        # systemd-sysctl.service does not run where /proc/sys/net cannot be written
        loaded=_loaded(machine, own, first, initial, contained and not outside) and not (contained and closed),
        read_only=closed,
        inherited=() if initial else came.inherited,
        container=_called(host, kept, owner, contained and not outside, initial),
        given=_given(host, kept, outside) if contained else None,
    )


def _kept(host: Host, process: int, id: str) -> Kept | None:
    """Return the container that a process is in as its runtime's files have it."""
    from hosttune.facts import containers  # most hosts are none: nothing more is imported for them

    return containers.of_process(host, process, id)


def _id(host: Host, owner: str, outside: bool, initial: bool) -> str:
    """Return the id of the container that this process is in, where neither group nor mounts say it."""
    from hosttune.facts import inside

    return "" if outside else inside.id_of(host, owner, not initial)


def _called(host: Host, kept: Kept | None, owner: str, within: bool, initial: bool) -> Container:
    """Return what a container is called: as its runtime has it, from inside as far as it shows that."""
    if kept or not within:
        return kept.container if kept else NAMELESS
    from hosttune.facts import inside

    return inside.container(host, owner, not initial)


def _given(host: Host, kept: Kept | None, outside: bool) -> Given | Unknown:
    """Return what a new container like this gets, Unknown where the files that say so are not seen."""
    if kept:
        from hosttune.facts import containers

        return containers.given(host, kept)
    why = "no file of its runtime is seen" if outside else "its runtime's files are not seen in here"
    return Unknown(Reason.UNDECIDED, why)


def _site(contained: bool, initial: bool) -> Site:
    return Site.CONTAINER if contained else Site.HOST if initial else Site.NAMESPACE


def _is_outside(other: Namespaces, own: Namespaces) -> bool:
    """Say whether another process is in a container, and this one is not in the same."""
    # a unit with PrivateTmp= has a mount namespace of its own: that alone makes no container
    return bool(other.pid) and other.pid != own.pid and other.mnt != own.mnt


def _name(came: Came, own: Namespaces, initial: bool, names: Sequence[str]) -> str:
    """Return the name that the namespace has now: one that was entered by a name may have lost it since."""
    if came.name and (not own.net or came.name in names):
        return came.name
    return "" if initial else next(iter(names), "")


def _within_one(machine: Machine, own: Namespaces, closed: bool) -> bool:
    """Say whether this process is in a container: it says so, or has processes of its own and no systemd for them."""
    own_pids = bool(own.pid) and not own.pid.endswith(f":{_FIRST_PIDS}")
    return bool(machine.container) or closed or (own_pids and not machine.systemd)


def _loaded(machine: Machine, own: Namespaces, first: Namespaces, initial: bool, contained: bool) -> bool:
    """Say whether the files seen here are set in this network namespace at boot: by the systemd that runs in it.

    A host without systemd is taken as one that reads them all the same: writers.warnings() says so.
    """
    if initial:
        return not contained or machine.systemd
    return machine.systemd and first.net in ("", own.net)


def _asked(host: Host, process: int | None) -> tuple[Namespaces, Namespaces, Namespaces, list[str]]:
    """Return the own namespaces, those of the first process, those of the one named, and names of the network's."""
    try:
        answer = host.probe("namespaces", **({} if process is None else {"pid": process}))
    except HostError:
        return Namespaces(), Namespaces(), Namespaces(), []
    own, first, other = (
        Namespaces(**{kind: answer[whose].get(kind, "") for kind in ("net", "mnt", "user", "pid")})
        for whose in ("own", "first", "other")
    )
    return own, first, other, answer["names"]


def kept_by(host: Host, process: int) -> str | None:
    """Return the runtime or the unit that keeps a process, as its control group says; "" for none, or a login's.

    None where its control group was not seen.
    """
    content = text(host, f"/proc/{process}/cgroup")
    if not content:
        return None
    paths = [path for _, path in proc.groups(content)]
    if owner := group_names.of_groups(paths):
        return owner[0]
    return next((name for path in paths if (name := group_owner(path))), "")


def group_owner(path: str) -> str:
    """Return the unit of the system's manager that a control group is of, "" where it is of none (systemd.slice(5))."""
    units = [part for part in path.split("/") if part.endswith(".service")]
    return units[0] if units and not units[0].startswith("user@") else ""


def _owner(host: Host, process: int | None, outside: bool) -> tuple[str, str]:
    """Return who keeps a process and the container's id: its control group says so, else what is mounted there."""
    name = "self" if process is None else str(process)
    paths = [path for _, path in proc.groups(text(host, f"/proc/{name}/cgroup"))]
    if owner := group_names.of_groups(paths):
        pod = any("/kubepods" in path for path in paths)
        return ("kubernetes", owner[1]) if pod else owner
    if outside or process is None:
        mounted = proc.mountinfo(text(host, f"/proc/{name}/mountinfo"))
        if owner := _first(_MOUNTS, [mount.root for mount in mounted if mount.place in _FILES]):
            # those of a pod are mounted from its own directory, and its sandbox's: no container has that id
            return (owner[0], "") if owner[0] in ("kubernetes", "containerd") else owner
    units = [part for path in paths for part in path.split("/") if part.endswith(".service")]
    return _only_of(process, units[0] if units else ""), ""


def _first(patterns: Patterns, paths: Sequence[str]) -> tuple[str, str] | None:
    """Return the runtime and the id of the first pattern that one of the paths has."""
    matches = ((owner, pattern.search(path)) for owner, pattern in patterns for path in paths)
    return next(((owner, match[1]) for owner, match in matches if match), None)


def _only_of(process: int | None, owner: str) -> str:
    """Return who keeps a process that was named; that this one is kept by a unit is of no interest."""
    return owner if process is not None else ""


def _started(host: Host, process: int | None) -> str:
    own = proc.stat(text(host, f"/proc/{process}/stat")) if process is not None else None
    return own.started if own else ""


def network(host: Host) -> int | None:
    """Return the inode of the network namespace that is looked at, None where it is not seen (namespaces(7))."""
    match = re.fullmatch(r"net:\[(\d{1,12})\]", host.link("/proc/thread-self/ns/net"))
    return int(match[1]) if match else None
