"""Which running processes may be the ones that a configuration is of."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.errors import HostError
from hosttune.facts import process
from hosttune.facts.kinds import nofile
from hosttune.host import Host, is_image


def pids(host: Host, pid: int | None, unit: str, program: str) -> Iterator[int]:
    """Yield the processes that run, the likeliest first: the one that was named, else those of the unit or of a name.

    By its name alone a process counts that has the files of this one: another's may be of the same path. An image has
    none.
    """
    if pid is not None:
        yield pid
        return
    if is_image(host):
        return
    if unit:
        yield from nofile.processes(host, unit)
    yield from (other for other in process.all_named(host, program) if _has_our_files(host, other))


def _has_our_files(host: Host, pid: int) -> bool:
    try:
        seen = host.probe("namespaces", pid=pid)
    except HostError:
        return False
    return bool(seen["other"].get("mnt")) and seen["other"]["mnt"] == seen["own"].get("mnt")
