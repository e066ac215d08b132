"""Time `check --all-namespaces` against a loop of `ip netns exec NAME ss -tanH`, in one run.

    python -m tests.bench.node [NAMESPACES] [SOCKETS]

So many network namespaces (200) with so many sockets (500) in each. Takes root. Prints the medians in seconds, their
ratio and the peak memory; fails where it takes 2 s or more, or half of the loop's time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys

from tests.bench.tuples import ROOT, timed
from tests.netns import crowd

ROUNDS = 3
LONGEST = 2.0
ALLOWED = 0.5


def main() -> int:
    if "--inside" in sys.argv:
        return measure(*map(int, sys.argv[-2:]))
    if os.geteuid() or not (shutil.which("ss") and shutil.which("ip")):
        print("needs root, ss and ip")
        return 1
    counts = [*sys.argv[1:3], *("200", "500")[len(sys.argv) - 1 :]][:2]
    own = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = [*own, sys.executable, "-m", "tests.bench.node", "--inside", *counts]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def measure(namespaces: int, sockets: int) -> int:
    loop = f"for n in $(seq 0 {namespaces - 1}); do ip netns exec crowd-$n ss -tanH; done | wc -l"
    check = [sys.executable, "-m", "hosttune", "check", "--all-namespaces", "--format", "json"]
    with crowd.made(namespaces, sockets):
        ours, theirs, answers = [], [], []
        for _ in range(ROUNDS):
            ours.append(timed(lambda: answers.append(subprocess.run(check, check=True, capture_output=True).stdout)))
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            theirs.append(timed(lambda: subprocess.run(loop, shell=True, check=True, capture_output=True)))
        pools = [use for row in json.loads(answers[-1])["namespaces"] for use in row["uses"] if use["kind"] == "ports"]
    took, loops = statistics.median(ours), statistics.median(theirs)
    print(f"{namespaces} network namespaces of {sockets} sockets; pools counted in {sum(bool(u['of']) for u in pools)}")
    print(f"ip netns exec, ss {loops:.2f} s, ours {took:.2f} s, ratio {took / loops:.2f}; peak memory {peak} KiB")
    return 0 if took < LONGEST and took / loops < ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
