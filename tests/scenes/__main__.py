"""Run scenes: `python -m tests.scenes 500 [--seed N] [-v]`."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable

from tests.scenes.draw import scene
from tests.scenes.fixed import FIXED
from tests.scenes.judge import Outcome, judge
from tests.scenes.run import ALONE
from tests.scenes.scene import Scene


def main() -> int:
    """Return 0 where every scene is as predicted."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenes", description="Hold predictions against the kernel.")
    parser.add_argument("count", type=int, nargs="?", default=60, help="how many scenes")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first")
    parser.add_argument("--fixed", action="store_true", help="those that were written, instead of random ones")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every scene")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        python = [sys.executable, "-m", "tests.scenes", *sys.argv[1:], "--inside"]
        return subprocess.run([*ALONE, "sh", *python], check=False).returncode
    scenes = FIXED if options.fixed else map(scene, range(options.seed, options.seed + options.count))
    return run(scenes, options.verbose)


def run(scenes: Iterable[Scene], verbose: bool) -> int:
    """Run scenes in namespaces of this process's own, and print those that are not as predicted."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    started, wrong, modes, ranges, numbers = time.monotonic(), [], Counter[str](), 0, 0
    count = 0
    for drawn in scenes:
        count += 1
        try:
            outcome = judge(drawn)
        except (OSError, subprocess.CalledProcessError) as error:
            outcome = Outcome(drawn, (), (f"it could not be set: {error!r}",))
        modes[str(drawn.mode)] += 1
        ranges += outcome.ranges
        numbers += len(outcome.rows)
        if outcome.wrong:
            wrong.append(drawn.name or str(drawn.seed))
        if outcome.wrong or verbose:
            print(outcome.text(), flush=True)
    kinds = ", ".join(f"{number} {mode}" for mode, number in modes.most_common())
    print(f"{count} scenes ({kinds}), {numbers} numbers, {ranges} of them ranges; {len(wrong)} scenes are wrong")
    print(f"{time.monotonic() - started:.1f} s" + (f"; wrong: {', '.join(wrong)}" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
