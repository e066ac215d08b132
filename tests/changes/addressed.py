"""Source addresses of a machine of files: what a verb is asked, and the machine's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.changes import acts, tree

LO = {"/sys/class/net/lo/ifindex": "1\n", "/sys/class/net/eth0/ifindex": "2\n"}
NETWORKD = {"/run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/10-lan.network\n"}


def make(path: Path, files: dict[str, str]) -> Path:
    return tree.make(path / "host", {**LO, **files})


def asked(*targets: str, **options: Any) -> acts.Asked:
    return acts.changed(*targets, **({"persist_only": True} | options))


def add(root: Path, *targets: str, **options: Any) -> int:
    return acts.change(tree.Host(root), asked(*targets, **options))


def remove(root: Path, *targets: str, **options: Any) -> int:
    return acts.change(tree.Host(root), asked(*targets, remove=True, **options))
