"""A tree that stands for a running machine: its /proc and /sys are files of its own, not the kernel's."""

from __future__ import annotations

from pathlib import Path

from hosttune.host.disk import Disk
from hosttune.host.live import LiveHost


class Running(LiveHost):
    """The tree as a machine that runs; probes still have no kernel to ask."""

    def __init__(self, root: Path | str, disk: Disk | None = None) -> None:
        super().__init__(str(root), disk)
        self.runs = True
