"""The white paper in a box: what hosttune plans, built here with the real programs, predicted against measured.

    python -m tests.box [TIER.KEY=VALUE ...]

A load balancer (HAProxy), six brokers (mosquitto) and two load generators (Tsung 1.7, driven by a controller, as the
white paper had it), each a network namespace on one bridge, all configured by `hosttune plan --emit`. First without
source addresses, then with 24. Takes root and about a minute; leaves nothing behind. A value is one of the topology's
in place of the one in tests/box/box.toml, as `hosttune plan --set` takes it. Fails where a step does not hold.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence

from tests.box import asked, hosts
from tests.box.step import Step, read

RUNS = {
    "one": "Without source addresses: one address, one pool of ports towards each broker",
    "all": "With 24 source addresses: four for each broker, each in a server line of its own",
}
_PROGRAMS = ("tsung", "erl", "haproxy", "mosquitto", "ip", "ss", "unshare")


def main(*overrides: str) -> int:
    missing = [program for program in _PROGRAMS if not shutil.which(program)]
    if os.geteuid() or missing:
        print(f"{', '.join(missing)}: not installed; .ci/run does it" if missing else "takes root", file=sys.stderr)
        return 2
    try:
        return play(overrides)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def play(overrides: Sequence[str]) -> int:
    """Play both runs and print their steps; raises RuntimeError where one breaks off."""
    began, held = time.monotonic(), True
    for which, title in RUNS.items():
        print(f"{title}:\n{asked.command(which, *overrides)}\n", flush=True)
        for step in steps(which, *overrides):
            print(said(step), flush=True)
            held = held and step.holds
        print()
    print(f"{'Every step holds' if held else 'NOT every step holds'} ({time.monotonic() - began:.0f} s).")
    return 0 if held else 1


def steps(which: str, *overrides: str) -> Iterator[Step]:
    """Yield the steps of a run as they come; raises RuntimeError where it breaks off."""
    command = asked.command(which, *overrides)
    with hosts.apart("tests.box.played", which, *overrides) as child:
        assert child.stdout
        yield from map(read, child.stdout)
    if child.returncode:
        raise RuntimeError(f"broke off, exit status {child.returncode}: {command}")


def said(step: Step) -> str:
    verdict = "holds " if step.holds else "DIFFERS"
    return f"  {verdict:7} {step.what}\n          predicted {step.predicted}\n          measured  {step.measured}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
