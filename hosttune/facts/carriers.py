"""The programs that carry connections on a host: each once, whatever processes it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hosttune.facts.kinds import nofile
from hosttune.host import Host

_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Running:
    """A program that runs: `pid` is its first process, the master of its workers where it has some.

    `arguments` begin with the program, `cut`: they are longer. `directory` is the one that it works in, "" where that
    cannot be seen. `below` is the path at which its files are seen: "" where it has ours. `network` is its network
    namespace, "" where that cannot be seen, `here`: it is ours. `unit` is the service that it runs in, "" for none.
    `listens` and `descriptors`, of all its processes, are None where they cannot be seen.
    """

    program: str
    pid: int
    arguments: tuple[str, ...]
    directory: str
    below: str
    network: str
    here: bool | None
    listens: bool | None
    descriptors: int | None
    unit: str = ""
    cut: bool = False
    pids: tuple[int, ...] = ()


def listed(host: Host, names: Collection[str]) -> list[Running]:
    """Return the programs of these names that run, by their first process; raises HostError."""
    return list(_folded(host, host.probe("carriers", names=sorted(names))))


def _folded(host: Host, rows: Iterable[Mapping[str, Any]]) -> Iterator[Running]:
    """Yield the trees of processes: those whose parent runs the same program belong to that one."""
    by_pid = {row["pid"]: row for row in rows}
    trees: dict[int, list[Mapping[str, Any]]] = {}
    for row in by_pid.values():
        trees.setdefault(_top(row, by_pid), []).append(row)
    files = _own_files(host)
    for top, tree in sorted(trees.items()):
        yield _running(host, by_pid[top], tree, files)


def _top(row: Mapping[str, Any], by_pid: Mapping[int, Mapping[str, Any]]) -> int:
    for _ in range(_DEEPEST):
        above = by_pid.get(row["parent"])
        if above is None or above["program"] != row["program"]:
            break
        row = above
    return int(row["pid"])


def _running(host: Host, top: Mapping[str, Any], tree: Sequence[Mapping[str, Any]], files: str) -> Running:
    listens = [row["listens"] for row in tree]
    counts = [row["descriptors"] for row in tree if row["descriptors"] is not None]
    root = "" if top["root"] == "/" else top["root"]
    # one that was started below another root has its executable there; else it has gone there since, and what it read
    # before, its directory too, is to be seen no more (chroot(2))
    jailed = bool(root) and top["executable"].startswith(f"{root}/")
    other = bool(files and top["files"]) and top["files"] != files
    return Running(
        program=top["program"],
        pid=top["pid"],
        arguments=tuple(top["arguments"]),
        directory=_below(top["directory"], root) if jailed or not root else "",
        below=f"/proc/{top['pid']}/root" if jailed or (other and not root) else "",
        network=top["network"],
        here=top["here"],
        listens=True if True in listens else None if None in listens else False,
        descriptors=sum(counts) if counts else None,
        unit=nofile.unit_of(host, top["pid"]),
        cut=top["cut"],
        pids=tuple(row["pid"] for row in tree),
    )


def _own_files(host: Host) -> str:
    """Return our own mount namespace, "" where it cannot be told."""
    return str(host.probe("namespaces")["own"].get("mnt", ""))


def _below(path: str, root: str) -> str:
    """Return a path as it is called below a root, "" where it is not known."""
    return path.removeprefix(root) or "/" if path else ""
