"""Podman: containers.json of containers/storage, and the bundle of each; root's, and those of each user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hosttune.facts import container_storage, oci
from hosttune.facts.container_storage import Storage
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import LONGEST, Document, Files, first_word, parsed, process, word
from hosttune.host import text
from hosttune.model import Container, Given, GivenSysctl, Reason, Unknown

NAME = "podman"
_LISTS = ("containers.json", "volatile-containers.json")
_CONF = "containers/containers.conf"


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers of root and of each user with a session, those of CRI-O in the same storage left out."""
    for storage in container_storage.every(files):
        for name in _LISTS:
            for path in files.glob(f"{storage.graph}/*-containers/{name}"):
                for row in files.rows(path):
                    kept = _kept(files, row, path, storage, id)
                    if kept:
                        yield kept


def _kept(files: Files, row: Mapping[str, Any], path: str, storage: Storage, wanted: str) -> Kept | None:
    id = word(row.get("id"))
    if not re.fullmatch("[0-9a-f]{64}", id) or wanted not in ("", id):
        return None
    about = parsed(metadata) if isinstance(metadata := row.get("metadata"), str) and len(metadata) < 1 << 16 else None
    if first_word(about, "pod-name", "pod-id"):
        return None  # CRI-O's, which keeps its pods so
    names = row.get("names")
    place = path.split("/")[-2]
    return Kept(
        runtime=NAME,
        id=id,
        pid=process(text(files.host, f"{storage.run}/{place}/{id}/userdata/pidfile")[:LONGEST]),
        container=Container(
            name=first_word(about, "name") or (word(names[0]) if isinstance(names, list) and names else ""),
            image=first_word(about, "image-name"),
        ),
        made_from=f"{storage.graph}/{place}/{id}/userdata/config.json",
        user=storage.user,
    )


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return what its spec gives, into which podman writes containers.conf as it makes it; else containers.conf."""
    own = files.json(kept.made_from)
    if own is None:
        return Unknown(Reason.UNREADABLE, f"{kept.made_from}, which says what it gets")
    shared = re.fullmatch("/proc/([1-9][0-9]{0,9})/ns/net", oci.shared_network(own))
    conf = list(_configuration(files, kept.user))
    limits = oci.limits(own) or _ulimits(conf) or oci.inherited(files, kept, ())
    # a namespace below /run/netns is its own, made for it; one of a process is that of its pod, or of another container
    first = next((other for other in listed(files, "") if other.pid == int(shared[1])), None) if shared else kept
    net = own if first is kept else files.json(first.made_from) if first else None
    return oci.made((*oci.sysctls(net, "linux", "sysctl"), *(_defaults(conf) if net else ())), limits)


def _configuration(files: Files, user: int) -> Iterator[Document]:
    """Yield containers.conf in the order in which podman reads it: a later one overrides (containers.conf(5))."""
    home = next((home for number, home in files.users() if number == user), "")
    own = [f"{home}/.config"] if user and home else []
    for place in ("/usr/share", "/etc", *own):
        for path in (f"{place}/{_CONF}", *files.glob(f"{place}/{_CONF}.d/*.conf")):
            document = files.toml(path)
            if document:
                yield document


def _set(conf: list[Document], key: str) -> Iterator[tuple[Document, str]]:
    """Yield the texts of the last list that sets a key, with its file."""
    for document in reversed(conf):
        rows = document.at("containers", key)
        if isinstance(rows, list):
            yield from ((document, row) for row in rows[: oci.MOST] if word(row))
            return


def _defaults(conf: list[Document]) -> Iterator[GivenSysctl]:
    for document, row in _set(conf, "default_sysctls"):
        key, equals, value = row.partition("=")
        if equals:
            yield GivenSysctl(key.strip(), value.strip(), document.origin(["default_sysctls"], value.strip()))


def _ulimits(conf: list[Document]) -> oci.Descriptors | None:
    for document, row in _set(conf, "default_ulimits"):
        match = re.fullmatch(r"nofile=([0-9]{1,10})(?::([0-9]{1,10}))?", row)
        if match:
            pair = oci.both(int(match[1]), int(match[2] or match[1]))
            return pair, document.origin(["default_ulimits"], row.partition("=")[2]), ""
    return None
