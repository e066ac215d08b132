"""The namespaces of this process, of the first one and of a third, and their names: namespaces(7), ip-netns(8)."""

from __future__ import annotations

import os
from typing import TypedDict

from hosttune.host import mounted

_KINDS = ("net", "mnt", "user", "pid")
_NAMED = "/run/netns"  # ip-netns(8)
_MOST = 4096


class Namespaces(TypedDict):
    """Those of this process, of the first one and of a third, as DEVICE:INODE by kind, "" where one is not to be seen.

    `names` are those that the own network namespace and that of `other` have below /run/netns.
    """

    own: dict[str, str]
    first: dict[str, str]
    other: dict[str, str]
    names: list[str]


def run(pid: int | None = None) -> Namespaces:
    """Return them; `other` is that of `pid`."""
    own, other = _of("thread-self"), _of(str(pid)) if pid is not None else {}
    return {"own": own, "first": _of("1"), "other": other, "names": _names({own["net"], other.get("net", "")})}


def identity(path: str | int) -> str:
    """Return a namespace's DEVICE:INODE, "" where it cannot be seen; unique among those that live."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"


def _of(process: str) -> dict[str, str]:
    return {kind: identity(f"/proc/{process}/ns/{kind}") for kind in _KINDS}


def _names(wanted: set[str]) -> list[str]:
    try:
        names = sorted(os.listdir(mounted.at(_NAMED)))[:_MOST]
    except OSError:
        return []
    return [name for name in names if identity(mounted.at(f"{_NAMED}/{name}")) in wanted - {""}]
