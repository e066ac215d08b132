"""What users and processes have of limits that look like those of descriptors and memory: inotify, mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Unknown, Watching


def gather(host: Host) -> tuple[Watching, ...] | Unknown:
    """Return what each user has of inotify, whoever has the most instances first; Unknown where nobody can say."""
    try:
        answer = host.probe("inotify")
    except HostError as error:
        return Unknown(error.reason, error.detail)
    return tuple(
        Watching(
            row["uid"],
            row["instances"],
            row["watches"],
            f"{row['name']} ({row['pid']})",
            row["most"],
            answer["whole"],
        )
        for row in answer["users"]
    )


def mappings(host: Host, pids: Sequence[int]) -> Mapping[int, int]:
    """Return how many mappings of memory processes have; those that may not be looked at are absent."""
    try:
        return {int(pid): count for pid, count in host.probe("mappings", pids=sorted(pids)).items()}
    except HostError:
        return {}
