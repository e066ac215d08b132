"""A unit that checks this host at each boot, and its timer.

A check that fails is a unit that failed: `systemctl --failed` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

SERVICE = "hosttune-check.service"
TIMER = "hosttune-check.timer"
WHERE = "/etc/systemd/system"
MARK = "made by `hosttune hook"
"""What a file has in it that may be replaced."""

_PLAIN = re.compile(r"[A-Za-z0-9_@:,./=+-]+")
_HOMES = ("/home/", "/root/", "/run/user/")


def files(
    command: Sequence[str],
    after: str = "",
    textfile: str = "",
    names: bool = False,
    every: int = 900,
    line: str = "hosttune hook systemd",
) -> dict[str, str]:
    """Return both files by name.

    `command` is the check to run, its first word a whole path; `after` the unit that carries the connections, "" for
    none; `textfile` a file that the check writes; `names`: backends are looked up by name; `every` seconds between two
    checks; `line` the command line that made the files.
    """
    head = f"# made by `{line}`; run it again rather than edit"
    units = " ".join(["network-online.target", "systemd-sysctl.service", "systemd-modules-load.service", after]).strip()
    service = [
        head,
        "[Unit]",
        "Description=Check that this host is tuned for its role",
        "Documentation=man:hosttune-check(1)",
        "Wants=network-online.target",
        f"After={units}",
        "",
        "[Service]",
        "Type=oneshot",
        "# exits with 1 where something does not hold: the unit has failed then, and systemctl --failed shows it",
        f"ExecStart={' '.join(quoted(word) for word in command)}",
        *_HARDENING,
        *_home(command[0]),
        *_network(names),
        *_writes(textfile),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    timer = [
        head,
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
    return {name: "\n".join(lines) + "\n" for name, lines in ((SERVICE, service), (TIMER, timer))}


def printed(texts: dict[str, str]) -> str:
    """Return files as systemctl cat prints them, each below its path, and what to run then."""
    found = "\n".join(f"# {WHERE}/{name}\n{text}" for name, text in texts.items())
    return f"{found}\n# then: systemctl daemon-reload && systemctl enable --now {SERVICE} {TIMER}\n"


def quoted(word: str) -> str:
    """Return a word of a command line as ExecStart= takes it: systemd.service(5), systemd.syntax(7), specifiers."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


_HARDENING = (
    "",
    "# It reads; it changes nothing.",
    "ProtectSystem=strict",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectControlGroups=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelTunables=yes",
    "# It reads descriptors and limits of the processes of all users, and files that only root may read; with",
    "# CAP_NET_ADMIN what conntrack and nftables say. ProtectProc= and ProtectKernelModules= stay off: they would hide",
    "# processes, and which modules there are.",
    "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_NET_ADMIN",
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


def _home(program: str) -> list[str]:
    # a program below a home is only seen where homes are
    return [f"ProtectHome={'read-only' if program.startswith(_HOMES) else 'yes'}"]


def _network(names: bool) -> list[str]:
    lines = [
        "# sockets and addresses are asked for by netlink",
        "RestrictAddressFamilies=AF_NETLINK AF_UNIX AF_INET AF_INET6",
    ]
    return [*lines, "# a backend is looked up by its name"] if names else [*lines, "IPAddressDeny=any"]


def _writes(textfile: str) -> list[str]:
    if not textfile:
        return []
    directory = textfile.rpartition("/")[0] or "/"
    return ["# the metrics, for node_exporter", f"ReadWritePaths={quoted(directory)}"]
