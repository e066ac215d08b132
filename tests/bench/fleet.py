"""What 10,000 reports cost to hold against a plan, beside reading the same files with json alone.

`python -m tests.bench.fleet [REPORTS]` makes a report with `hosttune check` on this host, writes it out once for each
host of a topology, and measures `hosttune plan --reports` and the bare reading in processes of their own, in one run.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_BARE = "import json,pathlib,sys; [json.loads(p.read_bytes()) for p in sorted(pathlib.Path(sys.argv[1]).iterdir())]"
_TOPOLOGY = """
[topology]
name = "fleet"
connections = {connections}
rate = 1000

[tier.client]
to = ["lb"]
hosts = {clients}

[tier.lb]
to = ["broker"]
hosts = {balancers}
ports = [1883]

[tier.broker]
hosts = {brokers}
ports = [1883]
"""


def report(role: str) -> dict[str, object]:
    """Return the report of this host for a role."""
    command = [sys.executable, "-m", "hosttune", "check", "--role", role, "--connections", "10000", "--format", "json"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return dict(json.loads(told.stdout))


def measured(command: list[str]) -> tuple[float, float]:
    """Return seconds and the most MiB of a command; it may end with 0 or 1."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit {process.returncode}")
    return time.monotonic() - start, used.ru_maxrss / 1024


def main(count: int) -> None:
    """Print seconds, their ratio, and peak memory."""
    brokers, balancers = count // 10, count // 10
    clients = count - brokers - balancers
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "reports")
        reports.mkdir()
        for role, hosts in (("client", clients), ("lb", balancers), ("broker", brokers)):
            text = json.dumps(report(role))
            for number in range(1, hosts + 1):
                (reports / f"{role}-{number}.json").write_text(text)
        file = Path(folder, "fleet.toml")
        file.write_text(
            _TOPOLOGY.format(connections=clients * 10000, clients=clients, balancers=balancers, brokers=brokers)
        )
        size = sum(p.stat().st_size for p in reports.iterdir()) / 2**20
        bare, _ = measured([sys.executable, "-c", _BARE, str(reports)])
        plan, peak = measured([sys.executable, "-m", "hosttune", "plan", str(file), "--reports", str(reports)])
    print(f"{count:,} reports, {size:,.0f} MiB")
    print(f"hosttune plan --reports   {plan:6.2f} s, at most {peak:,.0f} MiB")
    print(f"json alone, all kept      {bare:6.2f} s, ratio {plan / bare:.2f}")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main(int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 10_000)
