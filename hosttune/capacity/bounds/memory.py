"""Memory: what connections take of the host's, and what their queues take of tcp_mem."""

from __future__ import annotations

from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.footprint import REACHABLE, footprint, page, pages
from hosttune.capacity.saying import size
from hosttune.model import Bound, Remedy, Unknown


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of memory, of the kernel alone where the program's share is not known, and of tcp_mem."""
    return (_memory(facts), _queues(facts))


def _memory(facts: CapacityFacts) -> Bound:
    each = footprint(facts)
    # the sockets that are open now hold memory that MemAvailable counts as reclaimable
    locked = REACHABLE * (facts.sockets_open or 0)
    free = facts.machine.memory_available
    hard = facts.carried + max(free - locked, 0) // each.total if free is not None else None
    want = (facts.workload.connections - facts.carried) * each.total + locked
    return Bound(
        kind="memory" if each.application else "kernel-memory",
        name="memory" if each.application else "kernel memory",
        hard=hard,
        used=facts.carried or None,
        reads=f"MemAvailable, {each.total:,} bytes a connection idle",
        fails="allocation failures and the OOM killer; no errno of its own",
        remedies=(Remedy("memory", want, None, "bytes", f"{size(want)} of free memory"),) if facts.short(hard) else (),
        notes=(each.why,),
        log="Out of memory: Killed process",
        counter="/proc/vmstat oom_kill",
    )


def _queues(facts: CapacityFacts) -> Bound:
    """Queued data beyond tcp_mem slows, it does not refuse connections (net/core/sock.c __sk_mem_raise_allocated)."""
    load = facts.workload
    limits = facts.numbers("net.ipv4.tcp_mem")
    high = max(limits[2], 0) if isinstance(limits, tuple) and len(limits) == 3 else None
    each = pages(load.bytes_in_flight, page(facts))
    knee = high // each if high is not None and each else None
    if each:
        notes = [f"{each:,} pages a connection whose reader stalls"]
    else:
        full = (
            f": {high // load.sockets_per_connection:,} connections whose readers all stall" if high is not None else ""
        )
        notes = [f"a page for each socket with anything unread{full}"]
    if isinstance(limits, Unknown):
        notes.append(f"tcp_mem: {limits}")
    short = isinstance(limits, tuple) and knee is not None and knee < load.connections
    return Bound(
        kind="tcp-mem",
        name="net.ipv4.tcp_mem with every reader stalled",
        knee=knee,
        reads="net.ipv4.tcp_mem, the third value",
        fails="no errno: data is dropped on arrival and sent again, connections stall",
        remedies=(_pages(limits, each * load.connections),) if short and isinstance(limits, tuple) else (),
        notes=tuple(notes),
        log="TCP: out of memory -- consider tuning tcp_mem",
        counter="/proc/net/netstat TcpExt: PruneCalled, TCPRcvQDrop, TCPMemoryPressures",
    )


def _pages(now: tuple[int, ...], high: int) -> Remedy:
    """Keep the kernel's own proportions, 3 to 4 to 6 (net/ipv4/tcp.c tcp_init_mem), and lower nothing."""
    value = (max(now[0], high // 2), max(now[1], high * 2 // 3), high)
    return Remedy(
        "sysctl:net.ipv4.tcp_mem", value, None, "pages", f"net.ipv4.tcp_mem={' '.join(f'{n:,}' for n in value)}"
    )
