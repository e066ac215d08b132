"""Who started this very run: by which addresses their session has come (ssh(1)), who they are, on which terminal."""

from __future__ import annotations

import ipaddress
import re

from hosttune.host import Host, proc, text
from hosttune.model import Who

_DEEPEST = 64
_LONGEST = 256
_UNSET = "4294967295"  # no login: (uid_t) -1, include/linux/audit.h


def ssh(host: Host) -> tuple[str, str]:
    """Return the address of the client and that of this host; "" twice where the session is no such.

    sudo(8) hides the variable from what it starts, so those above are looked at too.
    """
    at = "self"
    for _ in range(_DEEPEST):
        environment = text(host, f"/proc/{at}/environ")
        match = re.search(r"(?:^|\0)SSH_CONNECTION=(\S+) \d+ (\S+) \d+(?:\0|$)", environment)
        if match:
            return _plain(match[1]), _plain(match[2])
        # what older servers set beside it; it does not name the address of this host
        older = re.search(r"(?:^|\0)SSH_CLIENT=(\S+) \d+ \d+(?:\0|$)", environment)
        if older:
            return _plain(older[1]), ""
        own = proc.stat(text(host, f"/proc/{at}/stat"))
        if own is None or own.parent <= 0 or str(own.parent) == at:
            break
        at = str(own.parent)
    return "", ""


def who(host: Host) -> Who:
    """Return who started this run.

    /proc/self/loginuid is what the login set and nobody may change since (CONFIG_AUDIT, pam_loginuid(8)); the rest is
    what the environment says.
    """
    logged_in = text(host, "/proc/self/loginuid")
    users = proc.status(text(host, "/proc/self/status")).get("Uid", "").split()
    number = logged_in if logged_in.isdecimal() and logged_in != _UNSET else "".join(users[:1])
    environment = text(host, "/proc/self/environ")
    sudo = _variable(environment, "SUDO_USER") or _name(host, _variable(environment, "SUDO_UID"))
    client, _ = ssh(host)
    return Who(login=_name(host, number), sudo=sudo, ssh=client, tty=_terminal(host))


def _variable(environment: str, name: str) -> str:
    match = re.search(rf"(?:^|\0){name}=([^\0]*)", environment)
    return match[1][:_LONGEST] if match else ""


def _name(host: Host, number: str) -> str:
    """Return the name of a user id, "uid 1000" where /etc/passwd has none; "" for what is no id."""
    if not re.fullmatch(r"[0-9]{1,10}", number):
        return ""
    match = re.search(rf"^([^:\n]+):[^:\n]*:{number}:", text(host, "/etc/passwd"), re.M)
    return match[1][:_LONGEST] if match else f"uid {number}"


def _terminal(host: Host) -> str:
    own = proc.stat(text(host, "/proc/self/stat"))
    number = max(own.terminal, 0) if own else 0
    # tty_nr: the major number in bits 8 to 15 (proc_pid_stat(5))
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    if 136 <= major <= 143:  # Documentation/admin-guide/devices.txt
        return f"pts/{(major - 136) * 256 + minor}"
    names = {4: f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}", 5: "console", 229: f"hvc{minor}"}
    return names.get(major, "")


def _plain(given: str) -> str:
    """Return an address without the zone of a link, and a v4-mapped one as IPv4; "" for what is none."""
    try:
        address = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
