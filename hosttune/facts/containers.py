"""The containers of a host by what people call them, and the process that each began with.

A runtime is a module of `runtimes`; what none of them knows is found by its control group alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hosttune import registry
from hosttune.errors import UsageError
from hosttune.facts import own_files
from hosttune.facts.group_names import groups_of, of_groups
from hosttune.facts.runtime_files import MOST, Files
from hosttune.host import Host, proc, text
from hosttune.model import NAMELESS, Container, Given, Reason, Unknown
from hosttune.printable import clean

_RUNTIMES = "hosttune.facts.runtimes"
_SHOWN = 6
_LONGEST = 1 << 15  # of a command line; conmon's has some thousand


@dataclass(frozen=True, slots=True)
class Kept:
    """A container as its runtime keeps it.

    `pid` is its first process, None where it does not run. `made_from` is the file that says what it gets, "" where
    none does. `group` is a part of the path of its control group by which it is known; `started` the start time of its
    first process (proc_pid_stat(5), 22), "" where the runtime keeps none. `user` is whose it is, 0 for root's.
    """

    runtime: str
    id: str
    pid: int | None
    container: Container = NAMELESS
    made_from: str = ""
    group: str = ""
    started: str = ""
    user: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What it can be called: its name, in a pod also POD/NAME and NAMESPACE/POD/NAME."""
        name, pod = self.container.name, f"{self.container.pod}/{self.container.name}"
        longer = (pod, f"{self.container.pod_namespace}/{pod}") if name and self.container.pod else ()
        return (*([name] if name else ()), *longer)

    def __str__(self) -> str:
        if self.container.name == self.id:
            return clean(f"{self.runtime} {self.id}")
        about = f"{self.runtime} {self.id[:12]}"
        return clean(f"{self.names[-1]} ({about})" if self.names else about)


def listed(files: Files, id: str = "") -> list[Kept]:
    """Return the containers of all runtimes, each once; of those that have an `id`, where one is given."""
    known: dict[str, Kept] = {}
    for name in registry.names(_RUNTIMES):
        for count, kept in enumerate(registry.load(_RUNTIMES, name).listed(files, id)):
            if count == MOST:
                break
            if id in ("", kept.id):
                known.setdefault(kept.id, kept if _lives(files.host, kept) else dataclasses.replace(kept, pid=None))
    return list(known.values())


def _lives(host: Host, kept: Kept) -> bool:
    """Say whether a process has the number that the runtime's file has, and began when that says, if it does."""
    stat = proc.stat(text(host, f"/proc/{kept.pid}/stat")) if kept.pid is not None else None
    return stat is not None and kept.started in ("", stat.started)


def named(host: Host, name: str) -> Kept:
    """Return the container that runs under a name, an id or the begin of one; raises UsageError."""
    files, option = Files(host), f"--container {clean(name)}"
    every = listed(files)
    fitting = [kept for kept in every if name in kept.names or name == kept.id]
    fitting = fitting or [kept for kept in every if name and kept.id.startswith(name)]
    running = [kept for kept in fitting if kept.pid is not None] if fitting else _by_group(files, name)
    if len(running) > 1:
        # the files of a user may claim any name, and any process
        running = [kept for kept in running if is_of(host, kept)] or running
    if len(running) > 1:
        raise UsageError(f"{option}: {len(running):,} containers have it: {_several(running)}; name one by its id")
    if not running and fitting:
        raise UsageError(f"{option}: {_several(fitting)} does not run; start it, then it can be examined")
    if not running:
        runs = [kept for kept in every if kept.pid is not None] or _by_group(files, "")
        there = f"those that run: {_several(runs)}" if runs else "none runs here, as far as this user may see"
        raise UsageError(f"{option}: no such container; {there}")
    return _verified(host, running[0], option)


def of_process(host: Host, pid: int, id: str) -> Kept | None:
    """Return the container that a process is in: by the id of its control group, else by its first process.

    None where no runtime's file of it is seen.
    """
    files = Files(host)
    if id:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", id):
            return None
        return next((kept for kept in listed(files, id) if is_of(host, kept)), None)
    every = [kept for kept in listed(files) if kept.pid is not None]
    own = _namespaces(host, pid)
    # the files of a user may claim the process too
    first = (kept for kept in every if kept.pid == pid and is_of(host, kept))
    beside = (kept for kept in every if own and _namespaces(host, kept.pid or 0) == own and is_of(host, kept))
    return next(first, None) or next(beside, None)


def given(host: Host, kept: Kept) -> Given | Unknown:
    """Return what a new one like it gets; Unknown where its runtime's files do not say."""
    modules = {registry.load(_RUNTIMES, name).NAME: name for name in registry.names(_RUNTIMES)}
    if kept.runtime not in modules:
        return Unknown(Reason.UNDECIDED, f"no file of {kept.runtime} is read for what a new container gets")
    made: Given | Unknown = registry.load(_RUNTIMES, modules[kept.runtime]).given(Files(host), kept)
    # docker and podman can run a systemd too, which finds /proc/sys read-only there and sets nothing
    if isinstance(made, Unknown) or not made.own_files or text(host, f"/proc/{kept.pid}/comm") != "systemd":
        return made if isinstance(made, Unknown) else dataclasses.replace(made, own_files=False)
    own = own_files.sysctls(host, kept.pid or 0)
    return own if isinstance(own, Unknown) else dataclasses.replace(made, sysctls=(*own, *made.sysctls))


def is_of(host: Host, kept: Kept) -> bool:
    """Say whether the first process is the container's still.

    It is of its control group, as old as its runtime says, or the child of what the runtime has for it. The files of a
    user may name any process: theirs count for processes in groups of that user.
    """
    if kept.pid is None:
        return False
    if kept.started:
        return _lives(host, kept)
    groups = groups_of(host, kept.pid)
    if kept.user and not any(f"/user-{kept.user}.slice/" in f"{path}/" for path in groups):
        return False
    # a group is called like the container, or has that at its end: docker-ID.scope, pod1:ID
    own = re.compile(rf"(?:^|[/:-]){re.escape(kept.group or kept.id)}(?:\.scope)?(?:/|$)")
    return any(own.search(path) for path in groups) or _is_kept_by_parent(host, kept)


def _is_kept_by_parent(host: Host, kept: Kept) -> bool:
    """Say whether the parent is what the runtime has for this container: conmon -c ID, containerd-shim -id ID.

    A container without a control group of its own is known by that; what others than its user run says nothing.
    """
    stat = proc.stat(text(host, f"/proc/{kept.pid}/stat"))
    if stat is None or stat.parent <= 1 or not re.fullmatch("[0-9a-f]{64}", kept.id):
        return False
    users = proc.status(text(host, f"/proc/{stat.parent}/status")).get("Uid", "").split()
    words = text(host, f"/proc/{stat.parent}/cmdline")[:_LONGEST].split("\0")
    return users[:1] == [str(kept.user)] and kept.id in words


def _verified(host: Host, kept: Kept, option: str) -> Kept:
    if kept.pid is not None and not groups_of(host, kept.pid) and not kept.started:
        raise UsageError(f"{option}: its process {kept.pid} is gone, or its control group not for this user to see")
    if not is_of(host, kept):
        raise UsageError(
            f"{option}: process {kept.pid}, which {kept.runtime} has for it, is in no control group of that container; "
            "it ended, or the runtime's file is stale: name the process with --pid"
        )
    return kept


def _by_group(files: Files, name: str) -> list[Kept]:
    """Return the containers whose id begins with a name, or is it, by the control groups of the processes."""
    known: dict[str, Kept] = {}
    for pid, paths in files.groups().items():
        owner = of_groups(paths)
        if owner and owner[1].startswith(name):
            known.setdefault(owner[1], Kept(owner[0], owner[1], pid))
    return [kept for id, kept in known.items() if id == name] or list(known.values())


def _namespaces(host: Host, pid: int) -> tuple[str, str] | None:
    """Return the process and mount namespaces of a process (namespaces(7)), None where they are not seen."""
    own = host.link(f"/proc/{pid}/ns/pid"), host.link(f"/proc/{pid}/ns/mnt")
    return own if all(own) else None


def _several(every: Iterable[Kept]) -> str:
    ordered = sorted(map(str, every))
    more = f" and {len(ordered) - _SHOWN:,} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more
