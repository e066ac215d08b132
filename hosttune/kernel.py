"""Constants of the Linux kernel that more than one place needs, each with its file; what a host may have otherwise is
asked of it, such as the size of a page.
"""

from __future__ import annotations

ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING = range(
    1, 12
)
BOUND_INACTIVE = 13
"""States of a TCP socket, include/net/tcp_states.h; the last since Linux 6.8."""

TIMEWAIT_LEN = 60
"""Seconds that a closed socket stays in TIME_WAIT: include/net/tcp.h, TCP_TIMEWAIT_LEN; no setting changes it."""

CONNTRACK_TIME_WAIT = 120
"""Seconds that the entry of a closed connection stays: net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts."""

USER_HZ = 100
"""Ticks a second in which /proc counts time of CPU, include/asm-generic/param.h."""

LEAST_PAGE = 4096
"""Bytes of a page where it is not known: no kernel has smaller ones, include/asm-generic/page.h."""

LONG_MAX = 2**63 - 1
"""The most that fs.file-max can be, on 64 bits: include/vdso/limits.h, fs/file_table.c."""

NR_OPEN = 1048576
"""The default of fs.nr_open: fs/file.c, sysctl_nr_open."""

INR_OPEN_CUR = 1024
"""The soft limit of descriptors where nobody has set one: include/uapi/linux/fs.h."""

PID_MAX_LIMIT = 1 << 22
"""The most that kernel.pid_max can be: include/linux/threads.h."""

PROT_SOCK = 1024
"""net.ipv4.ip_unprivileged_port_start where no file sets it, include/net/sock.h: below are the well-known ports."""

SOMAXCONN = 4096
"""The default of net.core.somaxconn since Linux 5.4: include/linux/socket.h."""

CONNTRACK_MAX = (65536, 262144)
"""What nf_conntrack_max is where nobody sets it, with memory above 4 GiB, until Linux 5.15 and since:
net/netfilter/nf_conntrack_core.c, nf_conntrack_init_start()."""

LOCAL_PORTS = (32768, 60999)
"""The default of net.ipv4.ip_local_port_range: net/ipv4/af_inet.c, inet_init_net()."""

LAST_PORT = 65535

CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_RESOURCE = 12, 21, 24
"""Bits of a set of capabilities: include/uapi/linux/capability.h."""

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
"""Kinds of namespaces: include/uapi/linux/sched.h."""

IFF_UP, IFF_LOOPBACK, IFF_NOARP = 0x1, 0x8, 0x80
"""Flags of an interface: include/uapi/linux/if.h."""

ARPHRD_ETHER = 1
"""The type of an interface with hardware addresses of Ethernet: include/uapi/linux/if_arp.h."""

# registered for the initial network namespace only: net/core/sysctl_net_core.c, net/ipv4/sysctl_net_ipv4.c,
# net/ipv4/route.c, net/core/neighbour.c; measured on 6.18 in a namespace of its own
INITIAL_ONLY = (
    "net.core.netdev_",
    "net.core.rps_",
    "net.core.busy_",
    "net.core.dev_weight",
    "net.core.default_qdisc",
    "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.neigh.default.gc_thresh",
    "net.ipv6.neigh.default.gc_thresh",
    "net.nf_conntrack_max",
)
# shown in every network namespace, but read-only in all but the first: net/core/sysctl_net_core.c
# sysctl_core_net_init(), net/netfilter/nf_conntrack_standalone.c nf_conntrack_standalone_init_sysctl()
_SHOWN_ONLY = (
    "net.core.rmem_",
    "net.core.wmem_",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_count",
)


def of_the_host(key: str) -> bool:
    """Say whether a sysctl is one of the whole host: no network namespace but the first can set it."""
    return not key.startswith("net.") or key.startswith((*INITIAL_ONLY, *_SHOWN_ONLY))
