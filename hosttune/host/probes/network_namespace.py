"""What one network namespace has: its range of ports, how many sockets, and what of its tables is in use.

namespaces(7), proc(5). It is cheap: no socket is looked at.
"""

from __future__ import annotations

import os
import re
from typing import NotRequired, TypedDict

from hosttune import ports
from hosttune.errors import HostError
from hosttune.host import netns
from hosttune.host.answers import Count, Port, Ports
from hosttune.model import Reason

_LONGEST = 1 << 20  # bytes: a list of all ports has less


class NetworkNamespace(TypedDict):
    """What the namespace has, and how much of it is in use.

    `first`: it is the kernel's first one. `reserved` are the reserved ports, `step`, `reuse` and `timestamps` the
    sysctls that decide of ports. `sockets` are those of TCP but for `time_wait`, whose limit is `time_wait_max`.
    """

    first: bool
    low: Port
    high: Port
    reserved: Ports
    step: Count
    reuse: Count
    timestamps: bool
    sockets: Count
    time_wait: Count
    time_wait_max: NotRequired[Count]
    conntrack: NotRequired[Count]
    conntrack_max: NotRequired[Count]


def run(inode: int, file: str) -> NetworkNamespace:
    """Return it of the namespace with this inode, which `file` leads to; raises HostError."""
    return netns.looked(inode, file, _look)


def _look() -> NetworkNamespace:
    low, high = _range()
    counts = _counts()
    answer: NetworkNamespace = {
        "first": os.path.exists("/proc/sys/net/core/netdev_max_backlog"),  # net/core/sysctl_net_core.c
        "low": low,
        "high": high,
        "reserved": hex(ports.mask_of(_text("/proc/sys/net/ipv4/ip_local_reserved_ports"))),
        "step": _number("ipv4/ip_local_port_step_width") or 0,
        "reuse": _number("ipv4/tcp_tw_reuse") or 0,
        "timestamps": bool(_number("ipv4/tcp_timestamps")),
        "sockets": counts.get("TCP inuse", 0) + counts.get("TCP6 inuse", 0),
        "time_wait": counts.get("TCP tw", 0),
    }
    if (most := _number("ipv4/tcp_max_tw_buckets")) is not None:
        answer["time_wait_max"] = most
    if (entries := _number("netfilter/nf_conntrack_count")) is not None:
        answer["conntrack"] = entries
    if (most := _number("netfilter/nf_conntrack_max")) is not None:
        answer["conntrack_max"] = most
    return answer


def _range() -> tuple[int, int]:
    """Return the range of local ports; raises HostError."""
    ends = _text("/proc/sys/net/ipv4/ip_local_port_range").split()
    if len(ends) != 2 or not all(re.fullmatch("[0-9]{1,5}", end) and int(end) < 65536 for end in ends):
        raise HostError(Reason.MALFORMED, "net.ipv4.ip_local_port_range")
    return int(ends[0]), int(ends[1])


def _counts() -> dict[str, int]:
    """Return what sockstat counts: `TCP inuse` are those that are hashed, listeners too (net/ipv4/proc.c)."""
    counts: dict[str, int] = {}
    for name in ("sockstat", "sockstat6"):
        for kind, rest in re.findall(r"^(TCP6?): (.*)$", _text(f"/proc/thread-self/net/{name}"), re.M):
            words = rest.split()
            pairs = zip(words[::2], words[1::2], strict=False)
            counts |= {f"{kind} {name}": int(number) for name, number in pairs if re.fullmatch("[0-9]{1,18}", number)}
    return counts


def _number(key: str) -> int | None:
    """Return the number of a sysctl below net, None where it has none, or one that makes no sense."""
    text = _text(f"/proc/sys/net/{key}").strip()
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _text(path: str) -> str:
    """Return a file of the kernel's, "" where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(_LONGEST).decode("ascii", "replace")
    except OSError:
        return ""
