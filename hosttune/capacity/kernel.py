"""Kernel memory and conntrack: what each connection takes of them."""

from __future__ import annotations

from hosttune.capacity._facts import CapacityFacts
from hosttune.model import Bound, Reason, Unknown

# bytes an idle established TCP socket takes with its inode, dentry, file and epoll entry: slab figures of
# tcp_sock, sock_inode_cache, dentry, filp, bind buckets, epitem on 6.18, 50,000 pairs over loopback
SOCKET = 4190
_REACHABLE = 1055  # of it MemAvailable still counts this much as reclaimable, which it is not while the socket lives
_PAGE = 4096


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of kernel memory and, where this namespace tracks connections, of conntrack."""
    return (_memory(facts), *_conntrack(facts))


def _memory(facts: CapacityFacts) -> Bound:
    free = facts.machine.memory_available
    sockets = facts.workload.sockets_per_connection
    # any queued byte is charged a whole page, net/core/sock.c __sk_mem_raise_allocated
    queued = -(-facts.workload.bytes_in_flight // _PAGE) * _PAGE
    each = SOCKET * sockets + queued + 8 * facts.workload.descriptors_per_connection
    hard = free // each if free is not None else None
    return Bound(
        id="kernel-memory",
        name="kernel memory",
        hard=hard,
        knee=None,
        used=None,
        reads=f"MemAvailable, {each:,} bytes a connection idle",
        fails="allocation failures and the OOM killer; no errno of its own",
        raised_by=f"{facts.workload.connections * each / 2**30:,.1f} GiB of free memory" if facts.short(hard) else "",
        notes=("memory that the program itself takes per connection comes on top", *_queues(facts)),
    )


def _queues(facts: CapacityFacts) -> tuple[str, ...]:
    """Say what queued data takes of tcp_mem: it slows (PruneCalled, TCPRcvQDrop), it does not refuse connections."""
    if not facts.workload.bytes_in_flight:
        return ()
    pages = -(-facts.workload.bytes_in_flight // _PAGE) * facts.workload.connections
    return (f"the queued data takes at least {pages:,} pages of net.ipv4.tcp_mem",)


def _conntrack(facts: CapacityFacts) -> tuple[Bound, ...]:
    if facts.machine.conntrack is False:
        return ()
    limit = facts.integer("net.netfilter.nf_conntrack_max")
    if limit is None or (isinstance(facts.machine.conntrack, Unknown) and not isinstance(limit, int)):
        return ()
    sides = facts.workload.sockets_per_connection
    hard: int | Unknown | None = limit
    if isinstance(limit, int) and facts.machine.conntrack is not True:
        hard = Unknown(Reason.UNDECIDED, f"{limit // sides:,} if this namespace tracks connections")
    elif isinstance(limit, int):
        # 0 is no limit: nf_conntrack_core.c tests the maximum only where it is not zero
        hard = None if limit == 0 else limit // sides
    want = facts.workload.connections * sides
    return (
        Bound(
            id="conntrack",
            name="conntrack",
            hard=hard,
            knee=None,
            used=facts.tracked // sides if facts.tracked is not None else None,
            reads="net.netfilter.nf_conntrack_max",
            fails="SYN dropped without an error; counter drop; log: table full, dropping packet",
            raised_by=f"no tracking of the port, or nf_conntrack_max={want:,}" if facts.short(hard) else "",
        ),
    )
