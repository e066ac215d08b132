"""The functions of the workload that give a required value; a profile's row names one and may set its parameters.

Each takes the workload, the machine and the row's parameters, and returns a value, or None where it cannot be told
because something of the machine is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hosttune.model import Machine, Value, Workload

Parameters = Mapping[str, float]
Demand = Callable[[Workload, Machine, Parameters], Value | None]


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
    return workload.connections * workload.sockets_per_connection


def burst(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return the backlog that holds all that arrive while accept() pauses: rate x stall (net/ipv4/tcp_input.c)."""
    return max(int(given.get("least", 0)), int(workload.rate * workload.stall))


def tracked(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return nf_conntrack_max: an entry a connection on each side, and those in TIME_WAIT (nf_conntrack_proto_tcp.c).

    A closed connection keeps its entry `time_wait` seconds; only a workload with a finite `hold` closes any.
    """
    sides = workload.sockets_per_connection
    churn = workload.rate * int(given.get("time_wait", 0)) if workload.hold else 0
    return (workload.connections + churn) * sides


def memory_pages(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return a tcp_mem triple in pages: the fractions `low`, `pressure` and `high` of RAM (net/ipv4/tcp.c)."""
    memory, page = machine.memory, machine.page_size
    if memory is None or page is None:
        return None
    low, pressure, high = (int(memory * given.get(k, 0.0)) // page for k in ("low", "pressure", "high"))
    return (low, pressure, high)


def time_wait(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return tcp_max_tw_buckets: TIME_WAIT lasts 60 s (TCP_TIMEWAIT_LEN, include/net/tcp.h), each close leaves one."""
    closing = workload.rate * 60 * workload.tuples_per_connection if workload.hold else 0
    return max(int(given.get("least", 0)), closing)


def orphans(workload: Workload, machine: Machine, given: Parameters) -> Value | None:
    """Return tcp_max_orphans: the `fraction` (else the workload's) that may be closed with data unsent at once."""
    return max(int(given.get("least", 0)), int(workload.connections * given.get("fraction", workload.disconnect)))


FUNCTIONS: dict[str, Demand] = {
    f.__name__: f
    for f in (descriptors, open_files, all_files, watches, burst, tracked, memory_pages, time_wait, orphans)
}
