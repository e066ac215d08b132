"""Whatever ends a run, no process, namespace, address or setting of it remains."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import needs
from tests.proofs.arena import arena

pytestmark = pytest.mark.slow

# what the kernel changes by itself, or another program at any time
MOVING = (
    "kernel/random/", "kernel/ns_last_pid", "kernel/pty/nr", "fs/dentry-state", "fs/file-nr", "fs/inode-", "fs/aio-nr",
    "fs/quota/", "net/netfilter/nf_conntrack_count", "vm/stat_refresh", "fs/binfmt_misc/", "kernel/perf_cpu_time",
)  # fmt: skip
PATIENCE = 20.0


def settings() -> dict[str, str]:
    found = {}
    for path in glob.glob("/proc/sys/**", recursive=True):
        name = path.removeprefix("/proc/sys/")
        if os.path.isfile(path) and not name.startswith(MOVING):
            try:
                found[name] = Path(path).read_text(errors="replace")
            except OSError:
                continue
    return found


def network() -> str:
    """Return interfaces, addresses and routes of this namespace."""
    needs.need("ip")
    commands = (["ip", "-o", "address"], ["ip", "route", "show", "table", "all"])
    return "".join(subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands)


class Marked:
    """A run of the verb whose processes, however deep, carry a word in their environment."""

    def __init__(self, *args: str) -> None:
        self.mark = f"HOSTTUNE_TEST={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self.run = subprocess.Popen(
            [sys.executable, "-m", "hosttune", "prove", *args],
            env={**os.environ, name: value}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def processes(self) -> list[int]:
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                if self.mark.encode() in Path(path).read_bytes():
                    found.append(int(path.split("/")[2]))
            except OSError:
                continue
        return found

    def namespaces(self) -> set[str]:
        return self._namespaces(self.processes()) - {os.readlink("/proc/self/ns/net")}

    def holders(self, namespaces: set[str]) -> set[str]:
        everybody = [int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/ns/net")]
        return self._namespaces(everybody) & namespaces

    @staticmethod
    def _namespaces(pids: list[int]) -> set[str]:
        found = set()
        for pid in pids:
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/net"))
            except OSError:
                continue
        return found


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def finish(run: Marked) -> None:
    pass


def interrupt(run: Marked) -> None:
    """Ctrl-C reaches every process of the terminal."""
    os.killpg(run.run.pid, signal.SIGINT)


def terminate(run: Marked) -> None:
    os.kill(run.run.pid, signal.SIGTERM)


def kill(run: Marked) -> None:
    os.kill(run.run.pid, signal.SIGKILL)


ENDS = {finish: 0, interrupt: 130, terminate: -signal.SIGTERM, kill: -signal.SIGKILL}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_nothing_is_left(end: Callable[[Marked], None]) -> None:
    with arena():
        pass
    before, links = settings(), network()
    # sockets in several processes and in two namespaces, half-open ones, a filled pool
    run = Marked("--only", "ports,churn,nofile", "--budget", "60s")
    try:
        # the verb, the one that measures, its peer in the second namespace, and one that holds sockets or serves
        assert until(lambda: len(run.processes()) >= 4 and len(run.namespaces()) >= 2)
        namespaces = run.namespaces()
        end(run)
        _, errors = run.run.communicate(timeout=60)
        assert run.run.returncode == ENDS[end], errors
        assert errors in ("", "hosttune: interrupted\n")
        assert until(lambda: not run.processes())
        assert not run.holders(namespaces)
        # a namespace with a name is a mount of it, ip-netns(8)
        mounts = Path("/proc/self/mountinfo").read_text()
        assert not [namespace for namespace in namespaces if namespace in mounts]
        assert network() == links
        assert settings() == before
    finally:
        for pid in run.processes():
            os.kill(pid, signal.SIGKILL)
        run.run.wait()
