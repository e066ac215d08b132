"""The namespaces of this process, of the first one and of a third, and their names: namespaces(7), ip-netns(8)."""

from __future__ import annotations

import os
from typing import Any

_KINDS = ("net", "mnt", "user", "pid")
_NAMED = "/run/netns"  # ip-netns(8)
_MOST = 4096


def run(pid: int | None = None) -> dict[str, Any]:
    """Return `own`, `first` and `other` (of `pid`) as DEVICE:INODE by kind, "" where one may not be looked at.

    `names` are those that the own network namespace and that of `other` have below /run/netns.
    """
    own, other = _of("thread-self"), _of(str(pid)) if pid is not None else {}
    return {"own": own, "first": _of("1"), "other": other, "names": _names({own["net"], other.get("net", "")})}


def identity(path: str | int) -> str:
    """Return a namespace's DEVICE:INODE, "" where it cannot be seen; unique among those that live."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def _of(process: str) -> dict[str, str]:
    return {kind: identity(f"/proc/{process}/ns/{kind}") for kind in _KINDS}


def _names(wanted: set[str]) -> list[str]:
    try:
        names = sorted(os.listdir(_NAMED))[:_MOST]
    except OSError:
        return []
    return [name for name in names if identity(f"{_NAMED}/{name}") in wanted - {""}]
