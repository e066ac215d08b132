"""A sysctl of the running kernel; the target is its dotted key, the state its value's words."""

from __future__ import annotations

from hosttune.host import Host, WritableHost
from hosttune.model import Change, State
from hosttune.resolve.sysctl_value import normalise, valid_key

RUNTIME = True

# a hard nofile above fs.nr_open is EPERM and can refuse logins (kernel/sys.c), so the ceiling rises first and falls
# last; files are open as soon as limits allow, so fs.file-max comes before them; a port is reserved before the range
# reaches it, else an outgoing connection may have it in between
_RANKS = {
    "fs.nr_open": 1,
    "fs.file-max": 2,
    "net.ipv4.ip_unprivileged_port_start": 3,
    "net.ipv4.ip_local_reserved_ports": 4,
    "net.ipv4.ip_local_port_range": 6,
}
_OTHERS = 5


def path_of(key: str) -> str:
    """Return the file of a key; raises ValueError for what is no key."""
    if not valid_key(key) or any(c in key for c in "*?["):
        raise ValueError(f"{key!r} is no sysctl")
    return f"/proc/sys/{normalise(key)}"


def read(host: Host, target: str) -> State:
    """Return the kernel's value, blanks made single."""
    return " ".join(host.read(path_of(target)).split())


def write(host: WritableHost, target: str, state: State) -> None:
    """Write the value in one call; an empty list of ports too takes its line end, without it nothing is written."""
    host.write(path_of(target), f"{state}\n")


def check(target: str, state: State) -> None:
    """Raise ValueError for what is no key, or no value of one."""
    path_of(target)
    if not isinstance(state, str) or "\n" in state or "\0" in state:
        raise ValueError(f"{target}: {state!r} is no value of a sysctl")


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    """Say whether /proc/sys takes no write from here."""
    if not host.unwritable(path_of(change.target)):
        return ""
    return f"{change.target}: read-only here; run as root, where /proc/sys can be written"


def rank(target: str) -> int:
    return _RANKS.get(target, _OTHERS)
