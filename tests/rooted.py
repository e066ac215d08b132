"""What takes root: files of other users, and processes of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import needs, pace

NOBODY = 65534


def need_root() -> None:
    """Skip where nobody can be made the owner of anything; under CI that is a failure."""
    needs.need("root")


def symlink_of_nobody(path: Path, target: str) -> None:
    """Make a link that belongs to another user."""
    path.symlink_to(target)
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


_MEASURED = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), resource.RLIM_INFINITY))
from hosttune import cli
try:
    cli.main(sys.argv[2:])
finally:
    sys.stdout.flush()
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(f"\\nmeasured {time.process_time():.1f} {int(peak) >> 10}", file=sys.stderr)
"""


def measured(*args: str, most: int = 2 << 30, **how: object) -> tuple[subprocess.CompletedProcess[str], float, int]:
    """Run hosttune with at most so many bytes of address space; return it, its seconds of CPU and its peak in MiB.

    Seconds of an idle core: those on the clock say how busy the machine is. One that waits is ended after a minute.
    """
    command = [sys.executable, "-c", _MEASURED, str(most), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **how)  # type: ignore[call-overload]
    said, _, figures = done.stderr.rpartition("\nmeasured ")
    done.stderr = said
    seconds, peak = figures.split()
    return done, float(seconds) / pace.slower(), int(peak)
