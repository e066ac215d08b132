"""Time one whole `hosttune diagnose` on a host of many sockets against `ss -tan`, which is what people look at by hand.

    python -m tests.bench.diagnose [SOCKETS]

Both ends of a connection count as sockets; six backends, a namespace of its own, takes root. Prints the medians in
seconds, their ratio and the peak memory of the process; fails above 1.5 s or 60 MiB.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from tests.bench import tuples

ROUNDS = 5
SECONDS, KIB = 1.5, 60 << 10


def main() -> int:
    return tuples.crowded("tests.bench.diagnose", compare)


def compare(count: int) -> int:
    ours, theirs, peak = [], [], 0
    for _ in range(ROUNDS):
        theirs.append(timed(["ss", "-tanH"])[0])
        took, memory = timed([sys.executable, "-m", "hosttune", "diagnose"])
        ours.append(took)
        peak = max(peak, memory)
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"sockets {count}, loopback, six backends")
    print(
        f"ss -tanH {other:.3f} s, hosttune diagnose {mine:.3f} s, ratio {mine / other:.2f}; peak {peak / 1024:.1f} MiB"
    )
    return 0 if mine <= SECONDS and peak <= KIB else 1


def timed(command: list[str]) -> tuple[float, int]:
    """Return the seconds that a command takes, and its peak memory in KiB."""
    start = time.perf_counter()
    done = subprocess.Popen(command, cwd=tuples.ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(done.pid, 0)
    took = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"{command}: exit status {status}")
    return took, used.ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
