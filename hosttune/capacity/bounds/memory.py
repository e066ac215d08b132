"""Memory: what connections take of the host's, and what their queues take of tcp_mem."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.footprint import REACHABLE, footprint, full, page, queue
from hosttune.capacity.saying import size
from hosttune.model import Bound, Remedy, Unknown


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of memory, of the kernel alone where the program's share is not known, and of tcp_mem."""
    return (_memory(facts),) if facts.workload.forwards else (_memory(facts), _queues(facts))


def _memory(facts: CapacityFacts) -> Bound:
    each = footprint(facts)
    # the sockets that are open now hold memory that MemAvailable counts as reclaimable
    locked = REACHABLE * (facts.sockets_open or 0)
    free = facts.machine.memory_available
    room = max(free - locked, 0) if free is not None else None
    hard = facts.carried + room // each.total if room is not None else None
    want = (facts.workload.connections - facts.carried) * each.total + locked
    return Bound(
        kind="memory" if each.application else "kernel-memory",
        name="memory" if each.application else "kernel memory",
        hard=hard,
        most=facts.carried + room // each.least if room is not None and each.spare else None,
        used=facts.carried or None,
        reads=f"MemAvailable, {each.total:,} bytes a connection{'' if facts.workload.bytes_in_flight else ' idle'}",
        fails="allocation failures and the OOM killer; no errno of its own",
        remedies=(Remedy("memory", want, None, "bytes", f"{size(want)} of free memory"),) if facts.short(hard) else (),
        notes=(each.why, *each.notes),
        log="Out of memory: Killed process",
        counter="/proc/vmstat oom_kill",
    )


def _queues(facts: CapacityFacts) -> Bound:
    """Queued data beyond tcp_mem slows, it does not refuse connections (net/core/sock.c __sk_mem_raise_allocated)."""
    load = facts.workload
    limits = facts.numbers("net.ipv4.tcp_mem")
    high = max(limits[2], 0) if isinstance(limits, tuple) and len(limits) == 3 else None
    each = queue(load.bytes_in_flight, load.message_size, page(facts))
    knee = high // each.most if high is not None and each.most else None
    notes = [f"{each.most:,} pages a connection whose reader stalls", *each.notes] if each.most else []
    if not each.most and high is not None:
        notes = list(_stalled(facts, high))
    if facts.machine.page_size is None:
        notes.append(
            f"the page size of the host is not known: {page(facts):,} bytes is the least, larger ones hold more"
        )
    if isinstance(limits, Unknown):
        notes.append(f"tcp_mem: {limits}")
    short = isinstance(limits, tuple) and knee is not None and knee < load.connections
    remedies: tuple[Remedy, ...] = ()
    if short and isinstance(limits, tuple):
        want, memory = each.most * load.connections, facts.machine.memory
        if memory is not None and want * page(facts) > memory // 2:
            notes.append(
                f"{want:,} pages are {size(want * page(facts))}, more than half of RAM: it takes more memory, fewer "
                "connections or less in flight"
            )
        else:
            remedies = (_pages(limits, want),)
    return Bound(
        kind="tcp-mem",
        name="net.ipv4.tcp_mem with every reader stalled",
        knee=knee,
        reads="net.ipv4.tcp_mem, the third value",
        fails="no errno: data is dropped on arrival and retransmitted, connections stall",
        remedies=remedies,
        notes=tuple(notes),
        log="TCP: out of memory -- consider tuning tcp_mem",
        counter="/proc/net/netstat TcpExt: PruneCalled, TCPRcvQDrop, TCPMemoryPressures",
    )


def _stalled(facts: CapacityFacts, high: int) -> Iterator[str]:
    """Yield how many connections reach tcp_mem where what waits in their queues is not known: from full to one page."""
    sockets = facts.workload.sockets_per_connection
    received, sent = facts.numbers("net.ipv4.tcp_rmem"), facts.numbers("net.ipv4.tcp_wmem")
    if isinstance(received, tuple) and isinstance(sent, tuple) and len(received) == len(sent) == 3:
        each = full(received[2], sent[2], page(facts)) * sockets
        yield (
            f"from {high // max(each, 1):,} connections that stall with full buffers ({each:,} pages each, by tcp_rmem "
            f"and tcp_wmem) to {high // sockets:,} with one page a socket: --bytes-in-flight says how much waits"
        )
    else:
        yield "how many stalled connections reach it depends on what waits: a page a socket at least, tcp_rmem at most"


def _pages(now: tuple[int, ...], high: int) -> Remedy:
    """Keep the kernel's own proportions, 3 to 4 to 6 (net/ipv4/tcp.c tcp_init_mem), and lower nothing."""
    value = (max(now[0], high // 2), max(now[1], high * 2 // 3), high)
    return Remedy(
        "sysctl:net.ipv4.tcp_mem", value, None, "pages", f"net.ipv4.tcp_mem={' '.join(f'{n:,}' for n in value)}"
    )
