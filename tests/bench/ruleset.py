"""Time `check` of a host with thousands of rules of the packet filter, and of routing, against one of a host without.

    python -m tests.bench.ruleset [RULES [ROUTING_RULES]]

In a namespace of its own: 5,000 rules of nftables and 200 of routing, unless others are named. Half of the rules are
plain; the others are of a state, in chains of their own, and of translations. Takes root and nft. Prints the least
seconds of CPU of each, their ratio and their difference; fails where the difference is above 0.1 s.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = 0.1
ROUNDS = 7
_CHECK = ("-m", "hosttune", "check", "--role", "lb", "--connections", "1000", "--backend", "10.9.9.2:1883")


def main() -> int:
    if "--inside" in sys.argv:
        return measure(*map(int, sys.argv[-2:]))
    given = sys.argv[1:3]
    rules, routing = [*given, *("5000", "200")[len(given) :]]
    if os.geteuid() or not shutil.which("nft"):
        print("needs root and nft")
        return 1
    command = ["unshare", "-n", sys.executable, "-m", "tests.bench.ruleset", "--inside", rules, routing]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def measure(rules: int, routing: int) -> int:
    """Print what both take; return 1 where the difference is too large."""
    for words in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "link", "add", "d0", "type", "veth", "peer", "name", "d1"),
        ("ip", "addr", "add", "10.9.9.1/24", "dev", "d0"),
        ("ip", "link", "set", "d0", "up"),
    ):
        subprocess.run(words, check=True)
    # a rule each, so that both kinds of host have connections tracked, and both ask the same
    subprocess.run(["nft", "-f", "-"], input=ruleset(1), text=True, check=True)
    timed()
    few = [timed() for _ in range(ROUNDS)]
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    subprocess.run(["nft", "-f", "-"], input=ruleset(rules), text=True, check=True)
    lines = "".join(f"rule add from 10.8.{n // 250}.{n % 250} lookup 77\n" for n in range(routing))
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
    many = [timed() for _ in range(ROUNDS)]
    without, having = min(few), min(many)
    print(f"without {without:.3f} s, with {rules:,} rules and {routing:,} of routing {having:.3f} s")
    print(f"ratio {having / without:.2f}, difference {having - without:.3f} s, allowed {ALLOWED} s")
    return int(having - without > ALLOWED)


def timed() -> float:
    """Return the seconds of CPU of a check that gave a report: they differ less than those of a clock."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *_CHECK, "--format", "json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 2 or not json.loads(done.stdout)["bounds"]:
        raise SystemExit(f"check ended with {done.returncode}: {done.stderr}")
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def ruleset(count: int) -> str:
    """Return rules as a host has them that somebody manages: most are of no concern, and they lie in several chains."""
    plain, own, state = count // 2, count // 4, count // 5
    translated = max(count - plain - own - state, 1)
    lines = ["table ip filter {", "chain own {"]
    lines += [f"ip saddr 10.{n >> 8}.{n & 255}.0/24 tcp dport {n % 60000 + 1} accept" for n in range(own)]
    lines += ["}", "chain in {", "type filter hook input priority 0; policy accept"]
    lines += ["ct state established,related accept"]
    lines += [f"ip saddr 192.0.{n >> 8 & 255}.{n & 255} counter drop" for n in range(plain)]
    lines += [f"tcp dport {n % 60000 + 1} ct state new counter accept" for n in range(state)]
    lines += ["jump own", "}", "}", "table ip nat {", "chain post {", "type nat hook postrouting priority 100"]
    lines += [f'oifname "o{n}" ip saddr 10.77.{n & 255}.0/24 masquerade' for n in range(translated)]
    return "\n".join([*lines, "}", "}", ""])


if __name__ == "__main__":
    raise SystemExit(main())
