"""A unit that checks this host at each boot, and its timer.

A check that fails is a unit that failed: `systemctl --failed` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SERVICE = "hosttune-check.service"
TIMER = "hosttune-check.timer"
WHERE = "/etc/systemd/system"
START = f"systemctl daemon-reload && systemctl enable --now {SERVICE} {TIMER}"
"""What to run once the files are there."""
LONGEST = 300
"""Seconds that a check may take."""
MARK = "made by `hosttune hook"
"""What a file has in it that may be replaced."""

_PLAIN = re.compile(r"[A-Za-z0-9_@:,./=+-]+")
UNSAFE = "\\\"'"
"""Characters that systemd takes in no path of a program: string_is_safe(), src/basic/string-util.c."""
_HOMES = ("/home/", "/root/", "/run/user/")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the units do.

    `command` is the check to run, its first word a whole path; `after` the unit that carries the connections, "" for
    none; `pages`: the manual is on the host; `needs` paths of files that the command needs; `textfile` a file that it
    writes, "" for none; `names`: backends are looked up by name; `every` seconds between two checks; `line` the command
    line that made the files.
    """

    command: Sequence[str]
    after: str = ""
    pages: bool = False
    needs: Sequence[str] = ()
    textfile: str = ""
    names: bool = False
    every: int = 900
    line: str = "hosttune hook systemd"


def files(wanted: Wanted) -> dict[str, str]:
    """Return both files by name."""
    head = f"# made by `{wanted.line}`; run it again rather than edit"
    texts = {SERVICE: _service(wanted), TIMER: _timer(wanted.every)}
    return {name: "\n".join([head, *lines]) + "\n" for name, lines in texts.items()}


def _service(wanted: Wanted) -> list[str]:
    units = ["network-online.target", "systemd-sysctl.service", "systemd-modules-load.service", wanted.after]
    program, *words = wanted.command
    return [
        "[Unit]",
        "Description=Check that this host is tuned for its role",
        # `systemd-analyze verify` fails where the page is not there
        *(["Documentation=man:hosttune-check(1)"] if wanted.pages else []),
        "Wants=network-online.target",
        f"After={' '.join(units).strip()}",
        "",
        "[Service]",
        "Type=oneshot",
        "# exits with 1 where something does not hold: the unit has failed then, and systemctl --failed shows it",
        f"ExecStart={' '.join([path(program), *(quoted(word) for word in words)])}",
        "# else a oneshot may take for ever: what hangs has failed too",
        f"TimeoutStartSec={LONGEST}",
        *_HARDENING,
        *_home(wanted.needs),
        *_network(wanted.names),
        *_writes(wanted.textfile),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]


def _timer(every: int) -> list[str]:
    return [
        "[Unit]",
        "Description=Check again and again that this host is tuned for its role",
        "",
        "[Timer]",
        f"OnBootSec={every}",
        "# since it was last started, also where it failed",
        f"OnUnitActiveSec={every}",
        f"RandomizedDelaySec={max(every // 10, 1)}",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]


def printed(texts: dict[str, str]) -> str:
    """Return files as systemctl cat prints them, each below its path, and what to run then."""
    listing = "\n".join(f"# {WHERE}/{name}\n{text}" for name, text in texts.items())
    return f"{listing}\n# then: {START}\n"


def quoted(word: str) -> str:
    """Return a word of a command line as ExecStart= takes it: systemd.service(5), systemd.syntax(7), specifiers."""
    return path(word).replace("$", "$$")


def path(text: str) -> str:
    """Return a path as settings take it, that of a program too: of variables they know nothing."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


_HARDENING = (
    "",
    "# It reads; it changes nothing.",
    "ProtectSystem=strict",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateMounts=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectControlGroups=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelTunables=yes",
    "# It reads descriptors and limits of the processes of all users, and files that only root may read.",
    "# ProtectProc= and ProtectKernelModules= stay off: they would hide processes, and which modules there are.",
    "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE",
    "NoNewPrivileges=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "UMask=0022",
    "# hosttune.pyz unpacks itself there",
    "CacheDirectory=hosttune",
)


def _home(needs: Sequence[str]) -> list[str]:
    if any(each.startswith(_HOMES) for each in needs):
        return ["# something that it needs is in a home", "ProtectHome=read-only"]
    return ["ProtectHome=yes"]


def _network(names: bool) -> list[str]:
    lines = [
        "# sockets and addresses are asked for by netlink",
        "RestrictAddressFamilies=AF_NETLINK AF_UNIX AF_INET AF_INET6",
    ]
    return [*lines, "# a backend is looked up by its name"] if names else [*lines, "IPAddressDeny=any"]


def _writes(textfile: str) -> list[str]:
    if not textfile:
        return []
    return [
        "# The metrics, for node_exporter: the directory may be its user's, and a file that is there keeps its owner.",
        f"ReadWritePaths={path(textfile.rpartition('/')[0] or '/')}",
        "CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER",
        "SystemCallFilter=@chown",
    ]
