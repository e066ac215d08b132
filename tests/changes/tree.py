"""A machine made of plain files, /proc/sys too: what is written there is seen, and nothing else is touched."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hosttune.changes.codec import sealed
from hosttune.host.disk import Disk
from hosttune.resolve.sysctl_systemd import resolve_systemd
from tests.changes import acts
from tests.running import Running

SYSCTLS = {
    "kernel/osrelease": "6.1.0-42-cloud-amd64",
    "kernel/hostname": "lb01",
    "kernel/pid_max": "4194304",
    "kernel/threads-max": "127000",
    "fs/nr_open": "1048576",
    "fs/file-max": "9223372036854775807",
    "fs/file-nr": "1024\t0\t9223372036854775807",
    "fs/epoll/max_user_watches": "3000000",
    "net/core/somaxconn": "4096",
    "net/core/netdev_max_backlog": "1000",
    "net/ipv4/ip_local_port_range": "32768\t60999",
    "net/ipv4/ip_local_reserved_ports": "",
    "net/ipv4/ip_unprivileged_port_start": "1024",
    "net/ipv4/tcp_mem": "190000\t250000\t380000",
    "net/ipv4/tcp_tw_reuse": "2",
    "net/ipv4/tcp_max_tw_buckets": "131072",
    "vm/swappiness": "60",
}
FILES = {
    "/etc/os-release": "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\nPRETTY_NAME=Debian 12\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n",
    "/etc/group": "root:x:0:\nalice:x:1000:\n",
    "/etc/security/limits.conf": "# nothing\n",
    "/etc/pam.d/login": "session required pam_limits.so\n",
    "/etc/pam.d/sshd": "session required pam_limits.so\n",
    "/usr/lib/systemd/system/haproxy.service": "[Service]\nExecStart=/usr/sbin/haproxy\n",
    "/proc/meminfo": "MemTotal:       16384000 kB\nMemAvailable:   15000000 kB\n",
    "/proc/1/comm": "systemd\n",
    "/proc/1/limits": "Max open files            1048576              1048576              files     \n",
    "/proc/self/status": "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n",
}
JOURNAL = "var/lib/hosttune"
LB = str(Path(__file__).with_name("lb.toml"))
"""Role lb, which asks for more rows: what its workload may need or not, at values that no workload changes."""


def make(root: Path, files: dict[str, str] | None = None, sysctls: dict[str, str] | None = None) -> Path:
    """Write the machine below `root`; `files` and `sysctls` come on top."""
    everything = FILES | (files or {})
    everything |= {f"/proc/sys/{key}": f"{value}\n" for key, value in (SYSCTLS | (sysctls or {})).items()}
    for path, text in everything.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    for directory in ("etc/sysctl.d", "etc/security/limits.d", "etc/modules-load.d", "etc/systemd/system", "var/lib"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    return root


class Host(Running):
    """The tree as a machine whose systemd does what it is told: it is only noted."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        super().__init__(root, disk)
        self.acts: list[str] = []

    def act(self, name: str, **args: Any) -> None:
        self._disk.step(name, str(args), lambda: self.acts.append(f"{name} {' '.join(map(str, args.values()))}"))


def asked(**options: Any) -> acts.Asked:
    """Return the options of an apply that asks nobody; by default the role LB for 1,000,000 connections."""
    options = {"connections": 1_000_000} | options
    if "role" not in options:
        options["profile"] = [LB, *options.get("profile", ())]
    return acts.applied(**options)


def back(**options: Any) -> acts.Asked:
    """Return the options of a rollback that asks nobody."""
    return acts.undone(**options)


def look(root: Path) -> dict[str, tuple[str, int]]:
    """Return every file and directory below the root but the journal: text and mode."""
    found: dict[str, tuple[str, int]] = {}
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if not (Path(directory) / n).relative_to(root).as_posix().startswith(JOURNAL)]
        for name in (*names, *files):
            path = Path(directory) / name
            mode = stat.S_IMODE(path.lstat().st_mode)
            text = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""
            if "proc/sys" in directory and path.is_file():
                text = " ".join(text.split())  # the kernel writes tabs, we write blanks: the words count
            found[path.relative_to(root).as_posix()] = (text, mode)
    return found


def reseal(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a record of the journal, and give it the sum of what it then holds."""
    found = json.loads(path.read_text())
    del found["sha256"]
    change(found)
    path.write_text(sealed(found))


def at_boot(root: Path, key: str) -> str | None:
    found = resolve_systemd(Host(root), [key]).values.get(key)
    return found.text if found else None


def listen(root: Path, *ports: int) -> None:
    rest = "00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0\n"
    (root / "proc/net").mkdir()
    (root / "proc/net/tcp").write_text("head\n" + "".join(f"   0: 00000000:{port:04X} {rest}" for port in ports))


def process(root: Path, pid: int, group: str, limits: tuple[int, int] = (1024, 4096)) -> None:
    """Add a process in a control group."""
    made = root / f"proc/{pid}"
    made.mkdir(parents=True)
    (made / "cgroup").write_text(f"0::/{group}\n")
    (made / "comm").write_text("x\n")
    (made / "stat").write_text(f"{pid} (x) S " + " ".join(["1"] * 30) + "\n")
    (made / "limits").write_text("Max open files            {:<20} {:<20} files     \n".format(*limits))


def unbooted(tmp_path: Path) -> Path:
    """Return a tree without a kernel: nothing of it is in /proc."""
    made = make(tmp_path / "image")
    for path in (made / "proc").rglob("*"):
        if path.is_file():
            path.unlink()
    return made


def image(tmp_path: Path, files: dict[str, str] | None = None) -> Path:
    made = make(tmp_path / "image", files)
    for path in (made / "proc/sys").rglob("*"):
        if path.is_file():
            path.unlink()
    return made
