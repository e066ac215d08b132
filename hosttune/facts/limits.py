"""The limits that are in force now, as the kernel holds them: what use is held against."""

from __future__ import annotations

from collections.abc import Mapping

from hosttune.facts import sysctl
from hosttune.host import Host, in_first_network
from hosttune.model import Unknown, Value

KEYS = (
    "fs.epoll.max_user_watches",
    "fs.file-max",
    "fs.nr_open",
    "kernel.pid_max",
    "kernel.threads-max",
    "net.core.netdev_max_backlog",
    "net.core.somaxconn",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_recycle",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_reuse_delay",
    "net.ipv4.tcp_wmem",
    "net.ipv6.neigh.default.gc_thresh3",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
    "vm.max_map_count",
)
"""What the bounds, the lints and the causes need, whatever the profiles name: of nothing else is there such a list."""


def gather(host: Host) -> Mapping[str, Value | Unknown]:
    """Return each limit by its key, Unknown with the reason where it cannot be read."""
    initial = in_first_network(host)
    return {key: sysctl.runtime(host, key, initial) for key in KEYS}
