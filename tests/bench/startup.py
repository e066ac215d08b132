"""Print how long the verbs take as ratios to a bare Python start, all measured in one run.

Run it: `python tests/bench/startup.py`. Budgets on 2 cores: --version 90 ms, check 250 ms, with six backends 380 ms.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 7
BACKENDS = [word for n in range(6) for word in ("--backend", f"127.0.0.{n + 1}:1883")]
CASES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import pydantic, typer, rich'": [sys.executable, "-c", "import pydantic.main, typer, rich.console"],
    "hosttune --version": [sys.executable, "-m", "hosttune", "--version"],
    "hosttune check --role lb": [sys.executable, "-m", "hosttune", "check", "--role", "lb"],
    "  the same, six backends": [sys.executable, "-m", "hosttune", "check", "--role", "lb", *BACKENDS],
}


def best(command: list[str]) -> float:
    """Return the shortest of RUNS wall times in seconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a row a case: name, milliseconds, ratio to the first."""
    base = 0.0
    for name, command in CASES.items():
        took = best(command)
        base = base or took
        print(f"{name:<44}{took * 1000:7.0f} ms   {took / base:5.1f} x")


if __name__ == "__main__":
    main()
