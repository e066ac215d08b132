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

LAST_PORT = 65535

CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_RESOURCE = 12, 21, 24
"""Bits of a set of capabilities: include/uapi/linux/capability.h."""

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
"""Kinds of namespaces: include/uapi/linux/sched.h."""

IFF_UP, IFF_LOOPBACK, IFF_NOARP = 0x1, 0x8, 0x80
"""Flags of an interface: include/uapi/linux/if.h."""

ARPHRD_ETHER = 1
"""The type of an interface with hardware addresses of Ethernet: include/uapi/linux/if_arp.h."""
