"""A machine of files on which an apply can wait to be confirmed: its clock, its boots, and its timer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hosttune.workflows import expire
from tests.changes import acts, faults, tree

WITHIN = 100
"""Seconds in which it has to be confirmed."""
OLD_DROP_IN = "# Written by hosttune; of an earlier release\r\n# why\r\n"
"""A file of ours that is replaced, not made: its bytes, mode and line ends have to come back."""
_CLOCK = {
    "/proc/uptime": "1000.00 900.00\n",
    "/proc/sys/kernel/random/boot_id": "11111111-1111-1111-1111-111111111111\n",
    "/proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n22 1 0:20 / /run rw shared:5 - tmpfs tmpfs rw\n",
}
_PROFILE = """\
[profile]
name = "mine"
title = "mine"
[[require]]
subject = "nofile:login"
operator = "at_least"
value = [65536, 65536]
why = "many files"
source = "test"
[[require]]
subject = "nofile:manager"
operator = "at_least"
value = [65536, 65536]
why = "many files"
source = "test"
"""


def make(root: Path) -> Path:
    """Write the machine: systemd runs on it, and /run is in memory."""
    tree.make(root, _CLOCK | {"/etc/sysctl.d/90-hosttune.conf": OLD_DROP_IN})
    (root / "etc/sysctl.d/90-hosttune.conf").chmod(0o640)
    (root / "run/systemd/system").mkdir(parents=True)
    (root.parent / "mine.toml").write_text(_PROFILE)
    return root


def options(root: Path, /, **more: Any) -> acts.Asked:
    """Return those of an apply that waits to be confirmed."""
    given = {"user": ["root", "alice"], "profile": [str(root.parent / "mine.toml")], "confirm_within": f"{WITHIN}s"}
    return tree.asked(**(given | more))


def do_apply(root: Path, disk: faults.Counting | None = None, **more: Any) -> int:
    return acts.apply(tree.Host(root, disk), options(root, **more))


def do_confirm(root: Path, disk: faults.Counting | None = None) -> int:
    return acts.confirm(tree.Host(root, disk))


def do_expire(root: Path, disk: faults.Counting | None = None, id: int = 1) -> int:
    """Do what the timer does once it goes off."""
    return expire.on(tree.Host(root, disk), id)


def do_rollback(root: Path, disk: faults.Counting | None = None) -> int:
    return acts.rollback(tree.Host(root, disk), tree.back())


def pass_time(root: Path, seconds: float = WITHIN) -> None:
    clock = root / "proc/uptime"
    clock.write_text(f"{float(clock.read_text().split()[0]) + seconds:.2f} 0.00\n")


def reboot(root: Path, stock: Path) -> None:
    """Boot anew: another boot, an empty /run, and the kernel's own values, which are those of `stock`."""
    for directory in ("run", "proc/sys"):
        shutil.rmtree(root / directory)
        shutil.copytree(stock / directory, root / directory)
    (root / "proc/sys/kernel/random/boot_id").write_text("22222222-2222-2222-2222-222222222222\n")
    (root / "proc/uptime").write_text("20.00 10.00\n")


def look(root: Path) -> dict[str, tuple[str, int]]:
    """Return the machine without its clock."""
    seen = tree.look(root)
    return {path: what for path, what in seen.items() if path not in ("proc/uptime", "proc/sys/kernel/random/boot_id")}


def record(root: Path, id: int = 1) -> dict[str, Any]:
    """Return a record, {} where there is none."""
    path = root / tree.JOURNAL / f"{id:06d}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def fresh(start: Path, work: Path) -> Path:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start, work, symlinks=True)
    return work
