"""Which processes run a program of some names, how each was started, and whether it listens (proc(5)).

The name of each process is read first, and nothing more of those that have another: a host may have thousands. What the
kernel keeps from other users is null or "": the working directory, the namespaces, the descriptors (ptrace(2)).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import TypedDict

from hosttune.host.answers import Count
from hosttune.host.probes import workers
from hosttune.host.probes.namespaces import identity

_MOST = 512  # processes: a program may have a worker for each CPU
_LONGEST = 32 << 10  # bytes of a command line; Envoy takes its whole configuration there
_FIRST = 256  # descriptors that are looked at: a program opens its listeners first
_TABLE = 1 << 20  # bytes of /proc/PID/net/tcp, where the listeners stand first (net/ipv4/tcp_ipv4.c, tcp_seek_last_pos)
_LISTENING = "0A"


class Carrier(TypedDict):
    """A process; `arguments` begin with the program, `cut`: they are longer than what is here.

    `directory`, `root` and `executable` are what the links of /proc/PID say, "" where they cannot be seen. `network`
    and `files` are its network and mount namespaces as DEVICE:INODE, `here`: it shares our network. `descriptors` are
    open now.
    """

    pid: Count
    parent: Count
    program: str
    arguments: list[str]
    cut: bool
    directory: str
    root: str
    executable: str
    network: str
    files: str
    here: bool | None
    listens: bool | None
    descriptors: Count | None


def run(names: list[str]) -> list[Carrier]:
    """Return the processes that run one of the programs."""
    own = identity("/proc/thread-self/ns/net")
    listeners: dict[str, set[str]] = {}
    listening: set[int] = set()
    rows: list[Carrier] = []
    for pid in _called(_of_kernel(names)):
        with contextlib.suppress(OSError):
            row = _row(pid, own)
            if row["program"] not in names or not row["arguments"]:
                continue
            # of a master's many workers one that listens is enough
            row["listens"] = True if row["parent"] in listening else _is_listening(pid, row["network"], listeners)
            if row["listens"]:
                listening.update((pid, row["parent"]))
            rows.append(row)
        if len(rows) == _MOST:
            break
    return rows


def _of_kernel(names: Iterable[str]) -> set[bytes]:
    """Return what the kernel calls processes of these programs: the first 15 bytes, or the machine that runs them."""
    wanted = set(names)
    machines = {machine for machine, programs in workers.MACHINES.items() if wanted.intersection(programs)}
    return {name.encode("utf-8", "surrogateescape")[:15] for name in wanted | machines}


def _called(names: set[bytes]) -> Iterator[int]:
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if os.read(fd, 64).rstrip(b"\n") in names:
                yield pid
        except OSError:
            continue
        finally:
            os.close(fd)


def _row(pid: int, own: str) -> Carrier:
    about = workers.stat(pid)
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        data = file.read(_LONGEST + 1)
    line = data[:_LONGEST].decode("utf-8", "surrogateescape")
    words = line.removesuffix("\0").split("\0") if line.strip("\0") else []
    network = identity(f"/proc/{pid}/ns/net")
    return {
        "pid": pid,
        "parent": max(about.parent, 0),
        "program": workers.named(about.name, line),
        "arguments": words,
        "cut": len(data) > _LONGEST,
        "directory": _link(f"/proc/{pid}/cwd"),
        "root": _link(f"/proc/{pid}/root"),
        "executable": _link(f"/proc/{pid}/exe"),
        "network": network,
        "files": identity(f"/proc/{pid}/ns/mnt"),
        "here": network == own if network and own else None,
        "listens": None,
        "descriptors": _size(pid),
    }


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _size(pid: int) -> int | None:
    """Return how many descriptors are open, None where that is not for us to see, or not counted (before Linux 6.2)."""
    try:
        return os.stat(f"/proc/{pid}/fd").st_size if os.access(f"/proc/{pid}/fd", os.R_OK) else None
    except OSError:
        return None


def _is_listening(pid: int, network: str, known: dict[str, set[str]]) -> bool | None:
    """Say whether a process has a TCP listener; `known` keeps the listeners of each network namespace."""
    try:
        held = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    except OSError:
        return None
    if network not in known:
        known[network] = {f"socket:[{inode}]" for inode in _listeners(pid)}
    first = sorted(held)[:_FIRST]
    return any(_link(f"/proc/{pid}/fd/{number}") in known[network] for number in first)


def _listeners(pid: int) -> Iterator[str]:
    for family in ("tcp", "tcp6"):
        with (
            contextlib.suppress(OSError),
            open(f"/proc/{pid}/net/{family}", encoding="ascii", errors="replace") as file,
        ):
            file.readline()
            left = _TABLE
            for line in file:
                fields = line.split()
                left -= len(line)
                if len(fields) < 10 or fields[3] != _LISTENING or left < 0:
                    break
                if re.fullmatch("[0-9]{1,20}", fields[9]):
                    yield fields[9]
