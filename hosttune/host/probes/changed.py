"""Which files were changed after the processes started that have read them (proc_pid_stat(5), stat(2))."""

from __future__ import annotations

import contextlib
import errno
import os
import time

from hosttune.host import mounted
from hosttune.host.probes import workers

_HUNDREDTHS = 100.0  # of a second, which is what the ticks of proc(5) are (USER_HZ)
_MARGIN = 1.0  # seconds: who writes a file and starts its program at once has changed nothing


def run(pids: list[int], paths: list[str]) -> list[str]:
    """Return the paths, in their order, whose text was written after the youngest of the processes had started.

    A reload of HAProxy or nginx starts new processes. Of what cannot be seen, nothing is said; raises OSError where
    none of the processes runs. Links below the root of another process lead elsewhere for us, and are passed over.
    """
    started = _started(pids)
    changed = []
    for path in paths:
        with contextlib.suppress(OSError):
            file = os.stat(mounted.at(path), follow_symlinks=not path.startswith("/proc/"))
            if file.st_mtime > started + _MARGIN:
                changed.append(path)
    return changed


def _started(pids: list[int]) -> float:
    """Return when the youngest of them started, in seconds since 1970; raises OSError."""
    ticks = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
            ticks.append(int(workers.stat(pid).started))
    if not ticks:
        raise ProcessLookupError(errno.ESRCH, "none of the processes runs")
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + max(ticks) / _HUNDREDTHS
