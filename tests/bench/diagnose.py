"""Time one whole `hosttune diagnose` on a host of many sockets against `ss -tan`, which is what people look at by hand.

    python -m tests.bench.diagnose [SOCKETS]

Both ends of a connection count as sockets; six backends, a namespace of its own, takes root. Prints the medians in
seconds, by the clock and of CPU, their ratios and the peak memory of the process. Fails above 60 MiB, or where it takes
more than 1.5 times what ss takes both by the clock and of CPU: where others take the CPUs meanwhile the clock alone
says nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.bench import tuples

ROUNDS = 5
ALLOWED, KIB = 1.5, 60 << 10


@dataclass(frozen=True)
class Run:
    """What a command took: seconds by the clock and of CPU, and its peak memory in KiB."""

    clock: float
    cpu: float
    peak: int


def main() -> int:
    return tuples.crowded("tests.bench.diagnose", compare)


def compare(count: int) -> int:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(timed(["ss", "-tanH"]))
        ours.append(timed([sys.executable, "-m", "hosttune", "diagnose"]))
    peak = max(run.peak for run in ours)
    print(f"sockets {count}, loopback, six backends; peak {peak / 1024:.1f} MiB")
    ratios = [
        ratio("by the clock", [run.clock for run in ours], [run.clock for run in theirs]),
        ratio("of CPU", [run.cpu for run in ours], [run.cpu for run in theirs]),
    ]
    return 0 if min(ratios) <= ALLOWED and peak <= KIB else 1


def ratio(what: str, ours: list[float], theirs: list[float]) -> float:
    """Return by how much our median is greater, and print both."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{what}: ss -tanH {other:.3f} s, hosttune diagnose {mine:.3f} s, ratio {mine / other:.2f}")
    return mine / other


def timed(command: list[str]) -> Run:
    """Run a command to its end; raises SystemExit where it fails."""
    start = time.perf_counter()
    done = subprocess.Popen(command, cwd=tuples.ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(done.pid, 0)
    took = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"{command}: exit status {status}")
    return Run(took, used.ru_utime + used.ru_stime, used.ru_maxrss)


if __name__ == "__main__":
    sys.exit(main())
