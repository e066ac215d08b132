"""The functions of the workload that give a required value; a profile's row names one and may set its parameters.

Each takes the workload, the machine and the row's parameters, and returns a value: None where it cannot be told
because something of the machine is not known, NOTHING where this workload asks nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from hosttune import kernel
from hosttune.addresses import is_loopback
from hosttune.model import BindMode, Machine, Value, Workload
from hosttune.model.queued import queue
from hosttune.ports import WIDER

Parameters = Mapping[str, float]
Demand = Callable[[Workload, Machine, Parameters], Value | None]

NOTHING: Value = ()
"""What a row asks where the workload needs nothing of its subject: the row is left out."""

RANGES = (kernel.LOCAL_PORTS, *((low, kernel.LAST_PORT) for low in (*WIDER, kernel.PROT_SOCK)))
"""Ranges of ports, the least first: the kernel's default, and three with ends of different parity."""


def descriptors(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return soft and hard nofile: every connection's descriptors, and the program's own (getrlimit(2))."""
    need = workload.descriptors(workload.connections)
    return (need, need)


def open_files(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return fs.nr_open: what the nofile of the program needs; a larger nofile is EPERM (kernel/sys.c)."""
    return workload.descriptors(workload.connections)


def all_files(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return fs.file-max: the program's files and `spare` for the rest of the system (fs/file_table.c)."""
    return workload.descriptors(workload.connections) + int(given.get("spare", 0))


def watches(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return fs.epoll.max_user_watches: one watch a socket, per user (fs/eventpoll.c)."""
    return workload.connections * workload.sockets_per_connection or NOTHING


def burst(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return the backlog that holds all that arrive while accept() pauses: rate x stall (net/ipv4/tcp_input.c).

    The queue holds one more than its backlog (include/net/sock.h sk_acceptq_is_full). Who accepts nothing needs none.
    """
    return max(int(given.get("least", 0)), _arrive(workload) - 1, 1) if _accepts(workload) else NOTHING


def half_open(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return tcp_max_syn_backlog: a burst in three quarters of it (net/ipv4/tcp_input.c tcp_conn_request)."""
    return math.ceil(Fraction(_arrive(workload) * 4, 3)) if _accepts(workload) else NOTHING


def backlog(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return netdev_max_backlog where packets wait there: `packets` of each connection of a burst, on one CPU.

    `least` at least (net/core/dev.c enqueue_to_backlog).
    """
    looped = bool(workload.backends) and all(is_loopback(backend.address) for backend in workload.backends)
    if not (machine.queueing or looped):
        return NOTHING
    least = int(given.get("least", 0))
    return max(least, int(_arrive(workload) * max(workload.sockets_per_connection, 1) * given.get("packets", 1)))


def port_range(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return the least of RANGES whose ports hold what is open towards each backend from each source address.

    A program that chooses its ports itself goes by no range of the kernel (net/ipv4/inet_hashtables.c).
    """
    if not workload.tuples_per_connection or workload.bind_mode is BindMode.EXPLICIT:
        return NOTHING
    if workload.bind_range and workload.bind_mode is BindMode.BIND:
        return NOTHING
    need = math.ceil(Fraction(workload.connections * workload.tuples_per_connection, _pairs(workload)))
    return next((r for r in RANGES if r[1] - r[0] + 1 >= need), RANGES[-1])


def tracked(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return nf_conntrack_max: an entry a connection on each side, and those in TIME_WAIT (nf_conntrack_proto_tcp.c).

    A closed connection keeps its entry `time_wait` seconds; only a workload with a finite `hold` closes any.
    """
    kept = math.ceil(_ends(workload) * int(given.get("time_wait", 0)))
    return (workload.connections + kept) * workload.entries_each


def buckets(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return nf_conntrack_buckets: `each` entries of what is tracked in one (net/netfilter/nf_conntrack_core.c).

    In whole pages of pointers, as nf_ct_alloc_hashtable() rounds what is written: what is asked is what is read back.
    """
    entries = tracked(workload, machine, given)
    if not isinstance(entries, int):
        return None
    slots = (machine.page_size or 0) // 8 or 1
    return math.ceil(entries / given.get("each", 1) / slots) * slots


def memory_pages(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return a tcp_mem triple in pages: the fractions `low`, `pressure` and `high` of RAM (net/ipv4/tcp.c).

    Where the workload says what waits in its queues it is that, in the kernel's proportions, up to half of RAM.
    """
    memory, page = machine.memory, machine.page_size
    if memory is None or page is None:
        return None
    low, pressure, high = (int(memory * given.get(k, 0.0)) // page for k in ("low", "pressure", "high"))
    each = queue(workload.bytes_in_flight, workload.message_size, page).most
    waiting = min(each * workload.connections, memory // 2 // page)
    return (max(low, waiting // 2), max(pressure, waiting * 2 // 3), max(high, waiting))


def time_wait(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return tcp_max_tw_buckets: TIME_WAIT lasts 60 s (TCP_TIMEWAIT_LEN, include/net/tcp.h), each close leaves one."""
    kept = math.ceil(_ends(workload) * kernel.TIMEWAIT_LEN * workload.tuples_per_connection)
    return max(int(given.get("least", 0)), kept) or NOTHING


def orphans(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return tcp_max_orphans: the `fraction` (else the workload's) that may be closed with data unsent at once."""
    share = Fraction(str(given.get("fraction", workload.disconnect)))
    return max(int(given.get("least", 0)), math.ceil(workload.connections * share)) or NOTHING


def peers(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return gc_thresh: an entry for each backend, as if all were on the link (net/core/neighbour.c)."""
    return len({backend.address for backend in workload.backends}) or NOTHING


def threads(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return kernel.threads-max: those of all connections (kernel/fork.c); nothing where none has a thread."""
    return workload.connections * workload.threads_per_connection or NOTHING


def ids(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return kernel.pid_max: an id a thread, and `spare` that are not given out again (kernel/pid.c)."""
    need = workload.connections * workload.threads_per_connection
    return need + int(given.get("spare", 0)) if need else NOTHING


def maps(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return vm.max_map_count: a thread's stack and its guard page (mm/mmap.c)."""
    return 2 * workload.connections * workload.threads_per_connection or NOTHING


def _accepts(workload: Workload) -> bool:
    """Say whether the role has sockets that it did not open itself."""
    return workload.sockets_per_connection > workload.tuples_per_connection and workload.stall > 0


def _arrive(workload: Workload) -> int:
    """Return how many connections arrive while accept() pauses."""
    return math.ceil(workload.rate * Fraction(str(workload.stall)))


def _ends(workload: Workload) -> Fraction:
    """Return how many connections end in a second at the target: no more than begin."""
    if not workload.hold:
        return Fraction(0)
    return min(Fraction(workload.rate), Fraction(workload.connections, workload.hold))


def _pairs(workload: Workload) -> int:
    """Return the pairs of source and backend that are named; bind() shares a port among all backends."""
    named = max(len(workload.sources), 1)
    if workload.bind_mode is BindMode.BIND:
        return named
    return sum(len(backend.sources) or named for backend in workload.backends) or 1


FUNCTIONS: dict[str, Demand] = {
    f.__name__: f
    for f in (
        descriptors,
        open_files,
        all_files,
        watches,
        burst,
        half_open,
        backlog,
        port_range,
        tracked,
        buckets,
        memory_pages,
        time_wait,
        orphans,
        peers,
        threads,
        ids,
        maps,
    )
}
