"""Rules of the kernel that changed from one release to another, as data: what held before, what holds since.

Each names the file of the kernel and the releases on which it was measured. Distributions carry changes back to older
releases, so where a rule can be measured in a moment the measurement is worth more than the number of the release.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Release = tuple[int, int]
Stable = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One rule: `before` held in releases below `since`, `after` holds from it on; `measured` are releases.

    `stable` are the first releases of older lines that have it too. `measured`: by tests, or by tests.kernels --rules.
    """

    name: str
    since: Release
    before: str
    after: str
    source: str
    measured: tuple[str, ...] = ()
    stable: tuple[Stable, ...] = ()


def release(text: str) -> Release | None:
    """Return major and minor number of what uname(2) calls the release, None where it says none."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", text)
    return (int(match[1]), int(match[2])) if match else None


def holds(change: Change, kernel: str) -> bool | None:
    """Say whether a kernel has the rule as it is since the change, None where its release does not tell.

    A distribution's kernel (6.1.0-48-amd64) has a third number of its own: which changes came back to it, it hides.
    """
    number = release(kernel)
    if number is None or number >= change.since:
        return None if number is None else True
    if not change.stable:
        return False
    patch = re.match(r"\d{1,4}\.\d{1,4}\.(\d{1,4})", kernel)
    first = next((line[2] for line in change.stable if line[:2] == number), None)
    if not patch or int(patch[1]) == 0:
        # 6.8.0-45-generic, 5.14.0-427.el9
        return None if "-" in kernel else False
    return first is not None and int(patch[1]) >= first


CHANGES = (
    Change(
        name="cgroup-accept",
        since=(6, 12),
        before="a control group is not charged for the tcp_sock of a connection that is accepted",
        after="accept() charges it to the group of the program",
        source="net/ipv4/inet_connection_sock.c inet_csk_accept(), kmem_cache_charge(), commit 9028cdeb38e1",
        measured=("5.10", "7.2"),
    ),
    Change(
        name="nat-time-wait",
        since=(6, 5),
        before="a connection that is closed keeps its port of source NAT as long as conntrack keeps its entry",
        after="the search for a port takes over the entry of a closed connection",
        source="net/netfilter/nf_nat_core.c nf_nat_used_tuple_harder(), commit 4589725502871",
        measured=("6.18",),
    ),
    Change(
        name="syn-queue",
        since=(6, 13),
        before="a listener holds as many half-open connections as its backlog",
        after="a listener holds one more",
        source="include/net/inet_connection_sock.h inet_csk_reqsk_queue_is_full(), commit 3479c7549fb1",
        measured=("5.10.223", "6.1.176", "6.12", "6.18", "7.2"),
        stable=((5, 4, 290), (5, 10, 234), (5, 15, 177), (6, 1, 125), (6, 6, 72), (6, 12, 10)),
    ),
    Change(
        name="time-wait-delay",
        since=(6, 14),
        before="a connection in TIME_WAIT is reused in the next whole second of the clock, after anything above 0 s",
        after="after tcp_tw_reuse_delay milliseconds, 1,000 by default",
        source="net/ipv4/tcp_ipv4.c tcp_twsk_unique(), include/net/inet_timewait_sock.h tw_entry_stamp",
        measured=("5.10", "6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="bound-inactive",
        since=(6, 8),
        before="a dump of sock_diag has no sockets that are bound and not connected",
        after="it has them, where bit 13 of the states is set in the request",
        source="net/ipv4/inet_diag.c inet_diag_dump_icsk(), commit 91051f003948",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="port-range-option",
        since=(6, 3),
        before="a socket has no port range of its own",
        after="IP_LOCAL_PORT_RANGE gives it one, inside the namespace's",
        source="net/ipv4/ip_sockglue.c do_ip_setsockopt(), commit 91d0b78c5177",
        measured=("6.1.176", "6.12", "6.18", "7.2"),
        # by measurement; it may be in an earlier one of that line
        stable=((6, 1, 176),),
    ),
    Change(
        name="descriptors-by-size",
        since=(6, 2),
        before="the size of /proc/PID/fd is 0: its entries have to be counted",
        after="it is the number of open descriptors",
        source="fs/proc/fd.c proc_fd_getattr(), commit f1f1f2569901",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="linear-syn",
        since=(6, 5),
        before="a SYN is retransmitted after 1, 2, 4, 8 s and so on",
        after="the first tcp_syn_linear_timeouts (4) times after 1 s each, then doubling",
        source="net/ipv4/tcp_timer.c tcp_retransmit_timer(), commit ccce324dabfe",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="established-table",
        since=(6, 1),
        before="all network namespaces share one table of connections",
        after="tcp_child_ehash_entries gives a new namespace one of its own",
        source="net/ipv4/tcp_ipv4.c tcp_set_hashinfo(), commit d1e5e6408b30",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="port-step",
        since=(7, 1),
        before="connect() looks at every second port in a row, from the lower end's parity on",
        after="with ip_local_port_step_width it goes by a random step: no number above which it is slow",
        source="net/ipv4/inet_hashtables.c __inet_hash_connect(), commit 7da62262ec96",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="conntrack-default",
        since=(5, 15),
        before="nf_conntrack_max is four times the buckets: 65,536 of these above 4 GiB",
        after="it is as many as the buckets: 262,144 above 4 GiB",
        source="net/netfilter/nf_conntrack_core.c nf_conntrack_init_start(), commit d532bcd0b269",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="fastopen-blackhole",
        since=(5, 14),
        before="a lost Fast Open SYN turns Fast Open off for 3,600 s (tcp_fastopen_blackhole_timeout)",
        after="it does not: the default is 0",
        source="net/ipv4/tcp_ipv4.c tcp_sk_init(), commit 213ad73d0607",
        measured=("5.10", "6.1", "6.12", "6.18", "7.2"),
        stable=((5, 10, 54),),
    ),
    Change(
        name="buffer-default",
        since=(6, 18),
        before="net.core.rmem_max and wmem_max start at 212,992",
        after="they start at 4 MiB",
        source="include/net/sock.h SK_WMEM_DEFAULT, net/core/sock.c",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="option-memory",
        since=(6, 9),
        before="net.core.optmem_max starts at 20,480",
        after="it starts at 131,072",
        source="net/core/sock.c sock_init(), commit 4944566706b2",
        measured=("6.1", "6.12", "6.18", "7.2"),
    ),
    Change(
        name="half-closed-kept",
        since=(6, 12),
        before="connect() takes over a port in FIN_WAIT2 as it does one in TIME_WAIT",
        after="connect() takes over none in FIN_WAIT2",
        source="net/ipv4/tcp_ipv4.c tcp_twsk_unique(), commit 0d9e5df4a257",
        measured=("6.12", "6.18"),
        stable=((5, 4, 285), (5, 10, 227), (5, 15, 168), (6, 1, 113), (6, 6, 55), (6, 10, 14), (6, 11, 3)),
    ),
    Change(
        name="bound-port-shared",
        since=(4, 11),
        before="bind() to port 0 with SO_REUSEADDR takes a port that others have before it has looked at the whole "
        "range: half of it, or a quarter, is all that one destination gets",
        after="it takes a port that others have only where none is free",
        source="net/ipv4/inet_connection_sock.c inet_csk_get_port(), smallest_port, commit b9470c27607b",
        measured=("6.18",),
    ),
    Change(
        name="ipvs-reuse",
        since=(5, 9),
        before="IPVS drops a SYN that meets an old entry of its own and conntrack's: one that comes 1 s later is taken",
        after="it takes the SYN where the old connection was never confirmed to conntrack, or is over",
        source="net/netfilter/ipvs/ip_vs_core.c ip_vs_in(), conn_reuse_mode",
    ),
    Change(
        name="own-range-by-one",
        since=(6, 8),
        before="with IP_LOCAL_PORT_RANGE connect() searches the ports of one parity first",
        after="with IP_LOCAL_PORT_RANGE connect() searches port by port",
        source="net/ipv4/inet_hashtables.c __inet_hash_connect(), inet_sk_get_local_port_range()",
        measured=("6.12", "6.18"),
    ),
)
"""Every change that hosttune knows."""


def named(name: str) -> Change:
    """Return the change of a name."""
    return next(change for change in CHANGES if change.name == name)


def older(change: Change, newer: bool | None) -> str:
    """Return in a line what holds on a kernel without the change, or on one that does not tell whether it has it."""
    since = ".".join(map(str, change.since))
    first = f"older kernel than Linux {since}" if newer is False else f"perhaps older than Linux {since} in this"
    return f"{first}: {change.before}"
