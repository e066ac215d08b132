"""Set the descriptor limits of a running process (prlimit(2))."""

from __future__ import annotations

import resource


def run(pid: int, soft: int, hard: int) -> None:
    """Set soft and hard nofile; raises OSError (EPERM: hard above fs.nr_open, or no CAP_SYS_RESOURCE to raise it)."""
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
