"""Bytes that one connection takes: of the kernel, in queues, and of the program itself."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune import kernel
from hosttune.capacity.facts import CapacityFacts

# an idle established TCP socket with its inode, dentry, file and epoll entry: slab figures of tcp_sock,
# sock_inode_cache, dentry, filp, bind buckets, epitem on 6.18, 50,000 pairs over loopback
SOCKET = 4190
REACHABLE = 1055
"""Of it MemAvailable still counts this much as reclaimable, which it is not while the socket lives."""

_OVERHEAD = 896
"""What a queue takes beside its data: 3,200 bytes unread are one page, 3,500 two, 8,000 three (measured on 6.18)."""

_POINTER = 8  # an entry of the descriptor table, fs/file.c
_TELLING = 10_000
"""Descriptors from which a program's memory is mostly that of its connections, not its own tens of MiB."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of one connection; `application` 0 where it is not known, and then `why` says so."""

    kernel: int
    application: int
    why: str

    @property
    def total(self) -> int:
        return self.kernel + self.application


def page(facts: CapacityFacts) -> int:
    """Return the bytes of a page on the host."""
    return facts.machine.page_size or kernel.LEAST_PAGE


def pages(queued: int, page: int = kernel.LEAST_PAGE) -> int:
    """Return the pages of tcp_mem that a queue with so many bytes is charged (net/core/sock.c)."""
    return -(-(queued + _OVERHEAD) // page) if queued else 0


def footprint(facts: CapacityFacts) -> Footprint:
    """Return what one more connection of the workload takes."""
    load = facts.workload
    kernel = SOCKET * load.sockets_per_connection + pages(load.bytes_in_flight, page(facts)) * page(facts)
    kernel += _POINTER * load.descriptors_per_connection
    if load.application_memory:
        return Footprint(
            kernel, load.application_memory, f"the profile's {load.application_memory:,} bytes of the program"
        )
    process = facts.process
    if process is None or process.resident is None:
        return Footprint(kernel, 0, "memory that the program itself takes per connection comes on top")
    if facts.descriptors_open < _TELLING:
        why = f"process {process.pid} has too few descriptors to tell what a connection takes of it; that comes on top"
        return Footprint(kernel, 0, why)
    measured = int(process.resident * load.descriptors_each / facts.descriptors_open)
    shared = f"VmRSS of process {process.pid} over its {facts.descriptors_open:,} descriptors"
    why = f"{measured:,} bytes are the program's: {shared}"
    return Footprint(kernel, measured, why)
