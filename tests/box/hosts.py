"""Hosts of a topology as network namespaces on one bridge; what runs this is the host that controls them.

Everything is private to the process that calls: its network, mounts, host name and processes end with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORK = Path("/run/box")
CONTROLLER, CONTROLLER_ADDRESS, PREFIX = "controller", "10.0.0.1", 16
REACH = WORK / "reach"
_WRITTEN = ("/run", "/var/log", "/var/lib")  # what the programs and hosttune write to
# ssh takes a host and a command for its shell, and so does this
_REACH = """#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c 'hostname "$0" && exec sh -c "$1"' "$host" "$*"
"""


def apart(module: str, *args: str) -> subprocess.Popen[str]:
    """Start a module of this repository with namespaces of its own; no process of it outlives it."""
    own = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return subprocess.Popen([*own, sys.executable, "-m", module, *args], cwd=ROOT, text=True, stdout=subprocess.PIPE)


def raise_stage() -> None:
    """Make this process's own mounts, name and bridge; raises RuntimeError where it is not one that `apart` started."""
    if os.getpid() != 1:
        raise RuntimeError("these would be the mounts, the name and the bridge of this machine: python -m tests.box")
    for directory in _WRITTEN:
        run("mount", "-t", "tmpfs", "box", directory)
    WORK.mkdir()
    run("hostname", CONTROLLER)
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge", "type", "bridge")
    run("ip", "address", "add", f"{CONTROLLER_ADDRESS}/{PREFIX}", "dev", "bridge")
    run("ip", "link", "set", "bridge", "up")
    REACH.write_text(_REACH)
    REACH.chmod(0o755)


def know(names: str) -> None:
    """Give all hosts these lines of /etc/hosts, and the controller's."""
    file = WORK / "hosts"
    file.write_text(f"127.0.0.1 localhost\n{CONTROLLER_ADDRESS} {CONTROLLER}\n{names}")
    run("mount", "--bind", str(file), "/etc/hosts")


def add(name: str, address: str, interface: str = "eth0") -> None:
    """Add a host with one address."""
    run("ip", "netns", "add", name)
    run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", interface, "netns", name)
    run("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
    on(name, "ip", "link", "set", "lo", "up")
    on(name, "ip", "address", "add", f"{address}/{PREFIX}", "dev", interface)
    on(name, "ip", "link", "set", interface, "up")


def run(*command: str) -> str:
    """Return what a command prints; raises where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def on(name: str, *command: str) -> str:
    """Run a command on a host and return what it prints."""
    return run("ip", "netns", "exec", name, *command)


def tune(name: str, settings: Mapping[str, str]) -> list[str]:
    """Set what a host has of its own; return the keys that it shares with this machine, which are left as they are."""
    return [key for key, value in settings.items() if not (key.startswith("net.") and _own(name, key, value))]


def _own(name: str, key: str, value: str) -> bool:
    """Set a key, unless the kernel shows it to no namespace but the first, or lets no other write it."""
    path = f"/proc/sys/{key.replace('.', '/')}"
    command = ["ip", "netns", "exec", name, "sh", "-c", 'test -e "$0" && printf %s "$1" >"$0"', path, value]
    return not subprocess.run(command, capture_output=True, check=False).returncode


def start(name: str, log: str, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a program on a host, in the foreground; what it prints goes to LOG.log."""
    words: Sequence[str] = command
    if name != CONTROLLER:
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name]
        words = ["ip", "netns", "exec", name, *named, *command]
    with (WORK / f"{log}.log").open("wb") as file:
        own = {**os.environ, "HOME": str(WORK), **(environment or {})}
        return subprocess.Popen(words, stdout=file, stderr=file, cwd=WORK, env=own, stdin=subprocess.DEVNULL)


def log_of(log: str) -> str:
    """Return what a program has printed so far."""
    return (WORK / f"{log}.log").read_text(errors="replace")


def wait_for(what: str, true: Callable[[], Any], seconds: float = 60) -> Any:
    """Return the first true answer; raises with `what` after some seconds."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        if time.monotonic() > end:
            raise RuntimeError(f"in {seconds:g} s not: {what}")
        time.sleep(0.1)
    return answer


def settled(count: Callable[[], int], wanted: int, quiet: float = 3, seconds: float = 90) -> int:
    """Return a count once it is what is wanted, or that time is over, and it has not changed for a while."""
    end = time.monotonic() + seconds
    while (last := count()) < wanted and time.monotonic() < end:
        time.sleep(0.25)
    since = time.monotonic()
    while time.monotonic() - since < quiet:
        if time.monotonic() > end + seconds:
            raise RuntimeError(f"never settles: {last}")
        time.sleep(0.25)
        if (now := count()) != last:
            last, since = now, time.monotonic()
    return last
