"""The host's files where a container has them mounted: below one directory, which the environment names.

A pod that may look at its node has a root of its own, with Python in it, and the node's at /host. What the kernel
makes is the same for both where the pod is in the node's network and sees its processes.
"""

from __future__ import annotations

import os
import re

from hosttune.errors import UsageError
from hosttune.host.tree import Tree

_KERNEL = ("/proc", "/sys")
_BELOW = ("/proc/sys", "/sys")
"""What a container has read-only or in part: that of the host is used where it is mounted too."""
_GROUPS = re.compile(r"/proc/(?:[1-9][0-9]{0,9}|self)/cgroup")
_UP = re.compile(r"^([^:]*:[^:]*:)((?:/\.\.)+)(?=/|$)", re.M)
# what says of a process where it lives: that of a container's is of no host
_OF_FIRST = ("/proc/self/cgroup", "/proc/self/mountinfo", "/proc/self/mounts")


def top() -> str:
    """Return the directory below which the host's files are mounted, "" for none; raises UsageError."""
    given = os.environ.get("HOSTTUNE_HOST", "")
    if given and (not given.startswith("/") or not os.path.isdir(given)):
        raise UsageError(f"HOSTTUNE_HOST {given!r}: no directory; mount the / of the host there, or unset it")
    return "" if not given.strip("/") else given.rstrip("/")


def at(path: str) -> str:
    """Return where a file of the host is for this process; what the kernel makes is at its own place."""
    return path if _is_of_the_kernel(path) else top() + path


def of_first(path: str) -> str:
    """Return the file that says of the host's first process what the one named says of this one."""
    return f"/proc/1/{path.rpartition('/')[2]}" if path in _OF_FIRST else path


def is_groups(path: str) -> bool:
    """Say whether a file has the control groups of a process (cgroups(7))."""
    return bool(_GROUPS.fullmatch(path))


def groups(text: str, first: str) -> str:
    """Return the control groups of a process as the host names them; `first` are those of its first process.

    A container that has a control group namespace sees them from its own group: /../../system.slice/x.service. What
    goes as far up as the way to the first process does is named from the top; what lies beside the container is not.
    """
    tops = {match[1]: match[2] for match in _UP.finditer(first)}

    def named(match: re.Match[str]) -> str:
        top = "" if text.startswith("/", match.end()) else "/"
        return match[1] + top if tops.get(match[1]) == match[2] else match[0]

    return _UP.sub(named, text)


class Mounted(Tree):
    """The files of the running host, mounted below `top`, and the kernel that answers this process.

    Links of the host's files stay below `top`, as they do on the host.
    """

    def __init__(self, top: str) -> None:
        super().__init__()
        self._files = Tree(top, image=True)
        self._kernel = {path: Tree(top) for path in _BELOW if os.path.isdir(f"{top}{path}/kernel")}

    def open(self, path: str, flags: int) -> int:
        """Open a path as the host would name it."""
        if not _is_of_the_kernel(path):
            return self._files.open(path, flags)
        below = next((tree for start, tree in self._kernel.items() if f"{path}/".startswith(f"{start}/")), None)
        return below.open(path, flags) if below else super().open(path, flags)


def _is_of_the_kernel(path: str) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in _KERNEL)
