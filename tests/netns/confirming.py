"""Runs in namespaces of its own: an apply that waits to be confirmed, and what ends its process."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

WITHIN = 6
KEYS = {"net/ipv4/tcp_tw_reuse": "1", "net/core/somaxconn": "70000", "net/ipv4/ip_local_port_range": "20000 60999"}
_ROWS = (
    ("net.ipv4.tcp_tw_reuse", "equals", 1),
    ("net.ipv4.ip_local_port_range", "covers", [20000, 60999]),
    ("net.core.somaxconn", "at_least", 70000),
)


def prepare() -> Path:
    """Lay empty file systems over what is written, so that nothing of this machine is; return the profile."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for place in ("/var/lib", "/etc/sysctl.d", "/run"):
        subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    profile = Path("/var/lib/mine.toml")
    rows = (
        f'[[require]]\nsubject = "sysctl:{key}"\noperator = "{operator}"\nvalue = {value}\nwhy = "x"\nsource = "x"\n'
        for key, operator, value in _ROWS
    )
    profile.write_text('[profile]\nname = "mine"\ntitle = "mine"\n' + "".join(rows))
    return profile


def look() -> dict[str, str]:
    """Return the values, and every file below /run and /etc/sysctl.d."""
    seen = {key: " ".join(Path("/proc/sys", key).read_text().split()) for key in KEYS}
    for top in ("/run", "/etc/sysctl.d"):
        for path in sorted(Path(top).rglob("*")):
            seen[str(path)] = path.read_text() if path.is_file() else ""
    return seen


def words(profile: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "hosttune", "apply", "--profile", str(profile), "--yes", *more]


def record() -> dict[str, object]:
    found: dict[str, object] = json.loads(Path("/var/lib/hosttune/000001.json").read_text())
    return found


def await_(what: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def written() -> bool:
    return all(look()[key] == value for key, value in KEYS.items())


def unconfirmed() -> bool:
    return Path("/var/lib/hosttune/000001.json").exists() and record()["status"] == "unconfirmed"


def timers() -> list[str]:
    """Return the processes that wait to take something back."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
            here = os.stat(path.parent / "ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino
        except OSError:
            continue
        if here and b"hosttune.workflows.expire" in text:
            found.append(path.parent.name)
    return found


def reverted(old: dict[str, str], start: float) -> None:
    """Wait for the timer: not before the deadline, and not much later."""
    assert await_(lambda: look() == old, WITHIN + 25), look()
    assert time.monotonic() - start >= WITHIN - 1, "it came too early"
    assert await_(lambda: record()["status"] in ("rolled-back", "undone"), 5), record()["status"]
    assert await_(lambda: not timers(), 5), timers()


def killed_while_it_waits() -> None:
    """Its process is killed with SIGKILL."""
    profile = prepare()
    old = look()
    start = time.monotonic()
    running = subprocess.Popen(words(profile, "--confirm-within", f"{WITHIN}s", "--confirm-if", "sleep 60 & wait"))
    assert await_(unconfirmed, 30)
    assert written() and len(timers()) == 1
    running.kill()
    running.wait()
    reverted(old, start)


def terminal_is_lost() -> None:
    """The terminal in which it waits is closed: SIGHUP for whatever is left there."""
    profile = prepare()
    old = look()
    start = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        line = " ".join(words(profile, "--confirm-within", f"{WITHIN}"))
        os.execvp("sh", ["sh", "-c", f"{line}; exec sleep 60"])
    assert await_(unconfirmed, 30)
    assert written() and len(timers()) == 1
    os.close(terminal)
    os.waitpid(pid, 0)
    reverted(old, start)


def killed_while_it_writes() -> None:
    """It is killed with SIGKILL between two writes; the timer was set before the first."""
    from hosttune.host.live import LiveHost
    from tests.changes import acts, faults, tree

    profile = prepare()
    old = look()
    start = time.monotonic()

    class Second(faults.Counting):
        def fail(self, what: str, path: str, call: Callable[[], object]) -> object:  # type: ignore[override]
            if sum(step.startswith("poke ") for step in self.steps) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return call()

    asked = tree.asked(role=[], connections=None, profile=[str(profile)], confirm_within=str(WITHIN))
    assert faults.killed(lambda: acts.apply(LiveHost("/", Second()), asked))
    assert record()["status"] == "applying" and len(timers()) == 1
    assert look() != old and not written()
    reverted(old, start)


def package_is_gone() -> None:
    """hosttune and what it imports are not to be read any more, as after an upgrade or on a broken mount."""
    import pyroute2

    profile = prepare()
    Path("/run/mount").mkdir()  # mount(8) makes it
    for line in ("link add d0 type veth peer name d1", "link set d0 up"):
        subprocess.run(["ip", *line.split()], check=True)
    old = look()
    start = time.monotonic()
    more = ["--runtime-only", "--add-address", "10.9.0.21/24@d0", "--confirm-within", f"{WITHIN}"]
    subprocess.run(words(profile, *more), check=True, stdout=subprocess.DEVNULL)
    assert written() and "10.9.0.21/24" in addresses()
    for place in (Path(__file__).resolve().parents[2] / "hosttune", Path(pyroute2.__file__).parents[1]):
        subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    assert subprocess.run([*words(profile)[:3], "--version"], capture_output=True, check=False).returncode
    reverted(old, start)
    assert "10.9.0.21/24" not in addresses()


def addresses() -> str:
    return subprocess.run(["ip", "-o", "address"], check=True, capture_output=True, text=True).stdout


def confirmed() -> None:
    """A confirm ends the timer, and a health check confirms by itself once it is well."""
    profile = prepare()
    old = look()
    flag = Path("/var/lib/well")
    line = words(profile, "--confirm-within", "30s", "--confirm-if", f"test -e {flag}", "--format", "json")
    running = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert await_(unconfirmed, 30)
    flag.touch()
    assert running.wait(20) == 0 and running.stdout is not None
    assert json.loads(running.stdout.read())["confirm"] is None
    assert await_(lambda: not timers(), 5)
    assert written()
    subprocess.run([sys.executable, "-m", "hosttune", "rollback", "--yes"], check=True, stdout=subprocess.DEVNULL)
    assert look() == old


def files() -> None:
    """Files alone, in the network namespace of the host: no value of the kernel is touched."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    places = ("/var/lib", "/run", "/etc/systemd", "/etc/security/limits.d")
    for place in places:
        subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    Path("/run/systemd/system").mkdir(parents=True)
    profile = Path("/var/lib/mine.toml")
    rows = (
        f'[[require]]\nsubject = "nofile:{name}"\noperator = "at_least"\nvalue = [70000, 70000]\n'
        'why = "x"\nsource = "x"\n'
        for name in ("login", "manager")
    )
    profile.write_text('[profile]\nname = "mine"\ntitle = "mine"\n' + "".join(rows))

    def seen() -> set[str]:
        return {str(path) for place in places[1:] for path in Path(place).rglob("*")}

    old = seen()
    line = words(profile, "--confirm-within", f"{WITHIN}", "--confirm-if", "sleep 60", "--format", "json")
    start = time.monotonic()
    running = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    assert await_(unconfirmed, 30)
    conf = "/run/systemd/system.conf.d/90-hosttune.trial.conf"
    assert seen() - old == {str(Path(conf).parent), conf}
    running.kill()
    running.wait()
    assert await_(lambda: seen() == old, WITHIN + 25), seen()
    assert time.monotonic() - start >= WITHIN - 1
    subprocess.run(words(profile, "--confirm-within", "60s"), check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "hosttune", "confirm"], check=True, stdout=subprocess.DEVNULL)
    made = {"/etc/security/limits.d/90-hosttune.conf", "/etc/systemd/system.conf.d/90-hosttune.conf"}
    assert {path for path in seen() - old if path.endswith(".conf")} == made
    assert await_(lambda: not timers(), 5)
    subprocess.run([sys.executable, "-m", "hosttune", "rollback", "--yes"], check=True, stdout=subprocess.DEVNULL)
    assert seen() == old
