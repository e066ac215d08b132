"""The host's files where a container has them mounted: below one directory, which the environment names.

A pod that may look at its node has a root of its own, with Python in it, and the node's at /host. What the kernel
makes is the same for both where the pod is in the node's network and sees its processes.
"""

from __future__ import annotations

import os

from hosttune.errors import UsageError
from hosttune.host.tree import Tree

_KERNEL = ("/proc", "/sys")
_SYSCTLS = "/proc/sys"
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


class Mounted(Tree):
    """The files of the running host, mounted below `top`, and the kernel that answers this process.

    A container has its own /proc/sys read-only; where the host's is mounted below `top` too, that is used. Links of
    the host's files stay below `top`, as they do on the host.
    """

    def __init__(self, top: str) -> None:
        super().__init__()
        self._files = Tree(top, image=True)
        self._sysctls = Tree(top) if os.path.isdir(f"{top}{_SYSCTLS}/kernel") else None

    def open(self, path: str, flags: int) -> int:
        """Open a path as the host would name it."""
        if not _is_of_the_kernel(path):
            return self._files.open(path, flags)
        if self._sysctls and f"{path}/".startswith(f"{_SYSCTLS}/"):
            return self._sysctls.open(path, flags)
        return super().open(path, flags)


def _is_of_the_kernel(path: str) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in _KERNEL)
