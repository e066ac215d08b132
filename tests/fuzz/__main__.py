"""Feed every parser and whole verbs with inputs that are nearly right.

    python -m tests.fuzz                                    1,000,000 inputs over all parts
    python -m tests.fuzz --seconds 30 --only sysctl,netlink
    python -m tests.fuzz --replay tests/fuzz/found/FILE     one input that failed

A failure is a traceback, "this is a bug of hosttune", an exit code that is not documented, more than 5 s of CPU or
500 MB, a process that ends or waits, or a character on the output that a terminal acts on. Each is made smaller and
kept in a file that can be replayed. Exit 0: no failure, and half of the inputs got past each schema; 1: else.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from tests.fuzz import keep, worker
from tests.fuzz.part import parts
from tests.fuzz.run import Plan, carry_out

FOUND = Path(__file__).parent / "found"


def main(argv: list[str] | None = None) -> int:
    asked = _asked(argv)
    if asked.replay:
        return max(_replay(path) for path in asked.replay)
    seed = asked.seed or secrets.token_hex(4)
    found = parts(asked.only)
    if asked.list or not found:
        print(*(part.name for part in parts()), sep="\n")
        return 0 if found else 2
    count = asked.inputs or (sys.maxsize if asked.seconds else 1_000_000)
    again = f"--seed {seed}" + (f" --only {asked.only}" if asked.only else "")
    print(f"{len(found)} parts, {asked.jobs} at once; the same inputs: python -m tests.fuzz {again}", flush=True)
    return carry_out(Plan(tuple(found), seed, count, asked.seconds, asked.jobs, asked.save))


def _asked(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--inputs", type=int, default=0, metavar="N", help="over all parts; default 1,000,000")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="stop after so long")
    parser.add_argument("--seed", default="", help="make the same inputs again")
    parser.add_argument("--only", default="", metavar="PART,...", help="parts whose names begin so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    parser.add_argument("--save", type=Path, default=FOUND, metavar="DIR", help="where failures are kept")
    parser.add_argument("--replay", type=Path, nargs="+", default=[], metavar="FILE", help="run kept failures again")
    parser.add_argument("--list", action="store_true", help="name the parts")
    return parser.parse_args(argv)


def _replay(path: Path) -> int:
    name, given = keep.load(path)
    part = next((part for part in parts() if part.name == name), None)
    if part is None:
        print(f"{path}: there is no part {name!r} any more")
        return 1
    told = worker.apart(lambda: worker.attempt(part, given), worker.PATIENCE)
    wrong = told[1] if told else ["the process ended, or waited", "the process ended, or waited"]
    print(f"{path}: {name}: {'holds' if not wrong else wrong[1]}")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
