"""By which addresses this very session has come: SSH_CONNECTION of this process, or of one that started it (ssh(1))."""

from __future__ import annotations

import ipaddress
import re

from hosttune.facts.machine import text
from hosttune.host import Host

_DEEPEST = 64


def ssh(host: Host) -> tuple[str, str]:
    """Return the address of the client and that of this host; "" twice where the session is no such.

    sudo(8) hides the variable from what it starts, so those above are looked at too.
    """
    at = "self"
    for _ in range(_DEEPEST):
        found = re.search(r"(?:^|\0)SSH_CONNECTION=(\S+) \d+ (\S+) \d+(?:\0|$)", text(host, f"/proc/{at}/environ"))
        if found:
            return _plain(found[1]), _plain(found[2])
        # the command's name, in brackets, may hold blanks and brackets: count from the last one (proc_pid_stat(5))
        fields = text(host, f"/proc/{at}/stat").rpartition(")")[2].split()
        if len(fields) < 2 or not fields[1].isdigit() or fields[1] in ("0", at):
            break
        at = fields[1]
    return "", ""


def _plain(given: str) -> str:
    """Return an address without the zone of a link, and a v4-mapped one as IPv4; "" for what is none."""
    try:
        found = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
