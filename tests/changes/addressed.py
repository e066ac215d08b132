"""Source addresses of a machine of files: what a verb is asked, and the machine's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hosttune.commands import sources_change
from tests.changes import tree

LO = {"/sys/class/net/lo/ifindex": "1\n", "/sys/class/net/eth0/ifindex": "2\n"}
NETWORKD = {"/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/10-lan.network\n"}


def make(path: Path, files: dict[str, str]) -> Path:
    return tree.make(path / "host", {**LO, **files})


def asked(*targets: str, **options: Any) -> sources_change.Asked:
    given: dict[str, Any] = {
        "remove": False, "anyip": [], "dry_run": False, "yes": True, "force": False, "runtime_only": False,
        "persist_only": True, "root": "/", "format": "json",
    }  # fmt: skip
    return sources_change.Asked(targets=list(targets), **(given | options))


def add(root: Path, *targets: str, **options: Any) -> int:
    return sources_change.on(tree.Host(root), asked(*targets, **options))


def remove(root: Path, *targets: str, **options: Any) -> int:
    return sources_change.on(tree.Host(root), asked(*targets, remove=True, **options))
