"""Print what it costs to start each verb, as ratios to a bare start of Python, all measured in one run.

Run it: `python tests/bench/startup.py`. It counts CPU time, user and system: a verb that starts waits for nothing, and
the time on the clock says how busy the machine is. Exit status 1 where a ratio is over its budget or a command fails.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RUNS = 9
BACKENDS = [word for n in range(6) for word in ("--backend", f"127.0.0.{n + 1}:1883")]
HOSTTUNE = (sys.executable, "-m", "hosttune")


@dataclass(frozen=True)
class Case:
    """A command, the exit statuses with which it has done its work, and how many bare starts it may cost."""

    name: str
    command: Sequence[str]
    budget: float | None = None
    fine: tuple[int, ...] = (0,)


CASES = (
    Case("python -c pass", (sys.executable, "-c", "pass")),
    Case("python -c 'import typer'", (sys.executable, "-c", "import typer")),
    Case("hosttune --version", (*HOSTTUNE, "--version"), 8),
    Case("hosttune --help", (*HOSTTUNE, "--help")),
    Case("hosttune check --role lb", (*HOSTTUNE, "check", "--role", "lb"), 24, (0, 1)),
    Case("  the same, six backends", (*HOSTTUNE, "check", "--role", "lb", *BACKENDS), 34, (0, 1)),
)


def cost(case: Case, env: Mapping[str, str]) -> float:
    """Return the seconds of CPU of one run; raises RuntimeError where it ends otherwise than it should."""
    process = subprocess.Popen(case.command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in case.fine:
        raise RuntimeError(f"{shlex.join(case.command)}: exit status {process.returncode}: {said.strip()[-500:]}")
    return usage.ru_utime + usage.ru_stime


def measure(cases: Sequence[Case], runs: int = RUNS) -> list[float]:
    """Return the least cost of each case in seconds; the runs take turns, so that a busy minute is everybody's.

    The modules are compiled before, as those of an installed package are; where they are kept is a directory of ours,
    whatever the environment says of writing them.
    """
    with tempfile.TemporaryDirectory() as compiled:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for case in cases:
            cost(case, env)
        rounds = [[cost(case, env) for case in cases] for _ in range(runs)]
    return [min(costs) for costs in zip(*rounds, strict=True)]


def main() -> int:
    """Print a row a case: name, milliseconds, ratio to the first, budget."""
    try:
        costs = measure(CASES)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    over = False
    for case, took in zip(CASES, costs, strict=True):
        ratio = took / costs[0]
        over = over or (case.budget is not None and ratio > case.budget)
        budget = f"   of {case.budget:g}" if case.budget is not None else ""
        print(f"{case.name:<32}{took * 1000:7.0f} ms   {ratio:5.1f} x{budget}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
