"""Remove the first address of a subnet, killed before each of its steps, and heal: run in namespaces of its own."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess

from hosttune.changes import journal
from hosttune.host.live import LiveHost
from tests.changes import acts, addressed, faults, tree

PROMOTE = "/proc/sys/net/ipv4/conf/d0/promote_secondaries"
ADDRESSES = ["10.9.0.1/24", "10.9.0.2/24", "10.9.0.3/24"]


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def made() -> None:
    """Make the interface anew, and forget all applies."""
    shutil.rmtree(journal.DIRECTORY, ignore_errors=True)
    subprocess.run(["ip", "link", "del", "d0"], check=False, capture_output=True)
    ip("link", "add", "d0", "type", "veth", "peer", "name", "d1")
    for address in ADDRESSES:
        ip("address", "add", address, "dev", "d0")
    with open(PROMOTE, "w") as file:
        file.write("0\n")


def seen() -> tuple[list[str], str]:
    shown = json.loads(ip("-j", "-4", "address", "show", "dev", "d0"))[0]["addr_info"]
    with open(PROMOTE) as file:
        return sorted(f"{one['local']}/{one['prefixlen']}" for one in shown), file.read().strip()


def remove(host: LiveHost) -> int:
    asked = addressed.asked("10.9.0.1/24@d0", remove=True, persist_only=False, runtime_only=True, force=True)
    return acts.change(host, asked)


def main() -> None:
    """Print how often it was killed, and every end that is neither as before nor as wanted."""
    made()
    counted = faults.Counting()
    with contextlib.redirect_stdout(io.StringIO()):
        assert remove(LiveHost("/", counted)) == 0
    ends: list[object] = [seen()] if seen() != (ADDRESSES[1:], "0") else []
    killed = 0
    for at in range(len(counted.steps)):
        made()
        killed += faults.killed(lambda at=at: remove(LiveHost("/", faults.Killed(at))))  # type: ignore[misc]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = acts.rollback(LiveHost("/"), tree.back())
        if (code, *seen()) != (0, ADDRESSES, "0"):
            ends.append((counted.steps[at], code, *seen()))
    print(json.dumps({"steps": counted.steps, "killed": killed, "wrong": ends}))


if __name__ == "__main__":
    main()
