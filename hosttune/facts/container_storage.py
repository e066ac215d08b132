"""Where containers/storage, which podman and CRI-O share, keeps what it has (containers-storage.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.facts.runtime_files import Files, word

_CONF = "containers/storage.conf"
_ROOT = ("/var/lib/containers/storage", "/run/containers/storage")


@dataclass(frozen=True, slots=True)
class Storage:
    """The directories of one user: `graph` is what stays, `run` what is there while containers run."""

    user: int
    graph: str
    run: str


def of_root(files: Files) -> Storage:
    """Return the storage of root."""
    return _configured(files, (f"/usr/share/{_CONF}", f"/etc/{_CONF}"), Storage(0, *_ROOT))


def every(files: Files) -> Iterator[Storage]:
    """Yield the storage of root and of each user with a session."""
    yield of_root(files)
    for user, home in files.users():
        own = Storage(user, f"{home}/.local/share/containers/storage", f"/run/user/{user}/containers")
        yield _configured(files, (f"{home}/.config/{_CONF}",), own)


def _configured(files: Files, paths: tuple[str, ...], storage: Storage) -> Storage:
    """Return a storage with what files set of it, a later file before an earlier one."""
    graph, run = storage.graph, storage.run
    for document in filter(None, map(files.toml, paths)):
        graph = _directory(document.at("storage", "graphroot")) or graph
        run = _directory(document.at("storage", "runroot")) or run
    return Storage(storage.user, graph, run)


def _directory(value: object) -> str:
    path = word(value)
    return path.rstrip("/") if re.fullmatch(r"/[^*?\[$]+", path) else ""
