"""Time `hosttune check` and `capacity` with a configuration of many servers against the same verb without one.

    python -m tests.bench.backends [SERVERS ...]

By default 100, 1,000, 3,000, 10,000 and 30,000 servers in one section of an haproxy.cfg that is made for it; as root
in a network namespace of its own. Each row has runs with and without servers in turn: the least seconds, the ratio of
the two, processor time for each server beyond that, peak memory, and lines printed. Fails where a verb cannot be
carried out (its exit code is neither 0 nor 1), where 1,000 servers take more than 2 s of a processor, where many
print more lines than two, or where a server of 30,000 takes more than twice what one of 3,000 does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVERS = (100, 1_000, 3_000, 10_000, 30_000)
ROUNDS = 3
SECONDS = 2.0  # of a processor, with 1,000 servers: the clock would measure who else is there
GROWTH = 2.0  # of the time for each server, from 3,000 to 30,000
SLACK = 12  # lines: a row says more than its two did
_NETWORK = (
    "link add one type veth peer name other",
    "link set one up",
    "link set other up",
    "addr add 10.200.0.1/16 dev one",
    "route add default via 10.200.0.254",
)
_HEAD = "defaults\n mode tcp\n timeout connect 2s\n timeout client 1m\n timeout server 1m\nlisten f\n bind :80\n"


@dataclass(frozen=True)
class Run:
    """One run of a verb."""

    seconds: float
    processor: float
    mebibytes: float
    code: int
    lines: int


def configuration(count: int, directory: str) -> str:
    """Write a configuration of so many servers, and return its path."""
    path = Path(directory, f"{count}.cfg")
    rows = (f" server s{n} 10.{1 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}:80\n" for n in range(count))
    path.write_text(_HEAD + "".join(rows), encoding="ascii")
    return str(path)


def run(verb: str, path: str) -> Run:
    """Run a verb once, with a configuration or with none."""
    command = [sys.executable, "-m", "hosttune", verb, "--role", "lb", *(["--backends-from", path] if path else [])]
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        done = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(done.pid, 0)
        took = time.perf_counter() - start
        done.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        lines = out.read().count(b"\n")
    return Run(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.returncode, lines)


def least(runs: list[Run]) -> Run:
    """Return the least of several runs, which says most on a busy host; their exit code is the worst."""
    return Run(
        min(r.seconds for r in runs),
        min(r.processor for r in runs),
        min(r.mebibytes for r in runs),
        max(r.code for r in runs),
        max(r.lines for r in runs),
    )


def compare(verb: str, counts: tuple[int, ...], directory: str) -> list[str]:
    """Print a row for each number of servers, and return what is wrong."""
    wrong: list[str] = []
    each: dict[int, float] = {}
    two = least([run(verb, configuration(2, directory))])
    for count in counts:
        path = configuration(count, directory)
        pairs = [(run(verb, ""), run(verb, path)) for _ in range(ROUNDS)]
        bare, full = (least(list(runs)) for runs in zip(*pairs, strict=True))
        each[count] = (full.processor - bare.processor) / count
        print(
            f"{verb:9} {count:>6} servers {full.seconds:6.2f} s, without {bare.seconds:5.2f} s, "
            f"ratio {full.seconds / bare.seconds:5.2f}; {each[count] * 1e6:4.0f} us a server; "
            f"{full.mebibytes:4.0f} MiB; {full.lines} lines; exit {full.code}"
        )
        if bare.code not in (0, 1) or full.code not in (0, 1):
            wrong.append(f"{verb} with {count} servers: exit {full.code}, without {bare.code}")
        if count == 1_000 and full.processor > SECONDS:
            wrong.append(f"{verb} with {count} servers: {full.processor:.2f} s of a processor")
        if full.lines > two.lines + SLACK:
            wrong.append(f"{verb} with {count} servers: {full.lines} lines, {two.lines} with two")
    if {3_000, 30_000} <= each.keys() and each[30_000] > GROWTH * each[3_000]:
        wrong.append(f"{verb}: a server of 30,000 takes {each[30_000] / each[3_000]:.1f} times one of 3,000")
    return wrong


def main() -> int:
    if "--inside" not in sys.argv and not os.geteuid():
        command = ["unshare", "-n", sys.executable, "-m", "tests.bench.backends", "--inside", *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    if "--inside" in sys.argv:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for words in _NETWORK:
            subprocess.run(["ip", *words.split()], check=True)
    counts = tuple(int(word) for word in sys.argv[1:] if word.isdecimal()) or SERVERS
    with tempfile.TemporaryDirectory() as directory:
        wrong = [text for verb in ("check", "capacity") for text in compare(verb, counts, directory)]
    for text in wrong:
        print("wrong:", text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
