"""Whether packets wait in the queue of a CPU, whose length is net.core.netdev_max_backlog (net/core/dev.c).

enqueue_to_backlog() is for RPS, veth and loopback; a driver with NAPI polls its own ring and never comes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.facts import counters
from hosttune.host import Host, text

_MOST = 16  # interfaces with a default route: more of them tell nothing new
_QUEUES = 256


def gather(host: Host) -> tuple[str, ...]:
    """Return why packets wait there, one reason each; those that did not fit into it since the start are one."""
    dropped = counters.read(host, "/proc/net/softnet_stat").get("softnet.dropped", 0)
    reasons = [reason for name in _egress(host)[:_MOST] for reason in _reasons(host, name)]
    if dropped:
        reasons.append(f"{dropped:,} packets dropped (second column of /proc/net/softnet_stat)")
    return tuple(reasons)


def _egress(host: Host) -> list[str]:
    """Return the interfaces of the default routes, of IPv4 and of IPv6."""
    rows = [line.split() for line in text(host, "/proc/net/route").splitlines()[1:]]
    names = [row[0] for row in rows if len(row) > 7 and row[1] == row[7] == "00000000"]
    six = [line.split() for line in text(host, "/proc/net/ipv6_route").splitlines()]
    names += [row[9] for row in six if len(row) > 9 and row[1] == "00" and row[9] != "lo"]
    return [name for name in dict.fromkeys(names) if re.fullmatch(r"[^/\s]{1,15}", name) and name not in (".", "..")]


def _reasons(host: Host, name: str) -> Iterator[str]:
    base = f"/sys/class/net/{name}"
    masks = (text(host, path) for path in host.glob(f"{base}/queues/rx-*/rps_cpus")[:_QUEUES])
    if any(mask.replace(",", "").strip("0") for mask in masks):
        yield f"RPS of {name}"
    index, peer = text(host, f"{base}/ifindex"), text(host, f"{base}/iflink")
    # a veth has its other end for a link, and nothing below it; what stands on a link has lower_NAME
    if peer and index and peer not in (index, "0") and not host.glob(f"{base}/lower_*"):
        yield f"{name} is a veth"
