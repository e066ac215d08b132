"""Docker: config.v2.json and hostconfig.json of each container below the data-root of daemon.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hosttune.facts import oci
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import Document, Files, below, first_word, process, word
from hosttune.host import text
from hosttune.model import Container, Given, Unknown

NAME = "docker"
_DAEMON = "/etc/docker/daemon.json"
_ROOT = "/var/lib/docker"
_UNITS = ("containerd.service", "docker.service")
_ID = "[0-9a-f]{12,64}"
_FLAG = re.compile(r"--default-ulimit(?:=|\0)nofile=([0-9]{1,10})(?::([0-9]{1,10}))?(?:\0|$)")


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers, with those of a daemon with --userns-remap, which has a directory of its own."""
    daemon = files.json(_DAEMON)
    root = word(daemon.at("data-root")) if daemon else ""
    root = root.rstrip("/") if re.fullmatch(r"/[^*?[]+", root) else _ROOT
    for place in (root, f"{root}/[0-9]*.[0-9]*"):
        for path in files.glob(f"{place}/containers/{id or '*'}/config.v2.json"):
            kept = _kept(files.json(path), path)
            if kept:
                yield kept


def _kept(document: Document | None, path: str) -> Kept | None:
    if document is None or not re.fullmatch(_ID, word(document.at("ID"))):
        return None
    runs = document.at("State", "Running") is True
    labels: Any = document.at("Config", "Labels")
    name = first_word(labels, "io.kubernetes.container.name") or word(document.at("Name")).removeprefix("/")
    return Kept(
        runtime=NAME,
        id=word(document.at("ID")),
        pid=process(document.at("State", "Pid")) if runs else None,
        container=Container(
            name=name,
            image=word(document.at("Config", "Image")),
            pod=first_word(labels, "io.kubernetes.pod.name"),
            pod_namespace=first_word(labels, "io.kubernetes.pod.namespace"),
            sandbox=first_word(labels, "io.kubernetes.sandbox.id"),
        ),
        made_from=f"{path.rpartition('/')[0]}/hostconfig.json",
    )


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return --sysctl and --ulimit, else default-ulimits of the daemon, else what containerd's unit gives."""
    own = files.json(kept.made_from)
    shared = re.fullmatch(f"container:({_ID})", word(own.at("NetworkMode")) if own else "")
    net = files.json(f"{kept.made_from.rsplit('/', 2)[0]}/{shared[1]}/hostconfig.json") if shared else own
    limits = _ulimits(own) or _of_daemon(files) or oci.inherited(files, kept, _UNITS)
    return oci.made((*oci.sysctls(net, "Sysctls"), *oci.sysctls(own, "Sysctls")), limits)


def _ulimits(document: Document | None) -> oci.Descriptors | None:
    rows = document.at("Ulimits") if document else None
    if document is None or not isinstance(rows, list):
        return None
    for row in rows[: oci.MOST]:
        if below(row, "Name") == "nofile":
            pair = oci.both(below(row, "Soft"), below(row, "Hard"))
            return pair, document.origin(["Ulimits", "nofile"], oci.shown(pair)), ""
    return None


def _of_daemon(files: Files) -> oci.Descriptors | None:
    """Return the daemon's own default: of its file, else of its command line, which go together."""
    daemon = files.json(_DAEMON)
    table = daemon.at("default-ulimits", "nofile") if daemon else None
    if daemon and isinstance(table, dict):
        pair = oci.both(table.get("Soft"), table.get("Hard"))
        return pair, daemon.origin(["default-ulimits", "nofile"], oci.shown(pair)), ""
    pid = process(text(files.host, "/run/docker.pid"))
    flag = _FLAG.search(files.text(f"/proc/{pid}/cmdline")) if pid else None
    if flag:
        return oci.both(int(flag[1]), int(flag[2] or flag[1])), None, "--default-ulimit of dockerd"
    return None
