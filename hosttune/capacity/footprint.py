"""Bytes that one connection takes: of the kernel, in queues, and of the program itself."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune import kernel, releases
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import queued
from hosttune.model.queued import Span

# an idle established TCP socket with its inode, dentry, file and epoll entry: slab figures of tcp_sock,
# sock_inode_cache, dentry, filp, bind buckets, epitem on 6.18, 50,000 pairs over loopback
SOCKET = 4190
_MEASURED = {(5, 10): 3934, (6, 1): 4010, (6, 18): SOCKET, (7, 2): 4241}
"""The same on other kernels, whose tcp_sock and slabs have another layout."""
_MULTIPATH = 6894
"""An idle connection of MPTCP: mptcp_sock beside the socket of its one subflow (net/mptcp/protocol.c), on 6.18."""
ACCEPTED_UNCHARGED = 1571
"""What a control group is charged of an accepted socket before Linux 6.12 (measured on 5.10)."""

REACHABLE = 1055
"""Of it MemAvailable still counts this much as reclaimable, which it is not while the socket lives."""

ENTRY = 256 + 128 + 8
"""A tracked connection that is translated: its slab object, its extensions, its bucket (nf_conntrack_core.c)."""

_POINTER = 8  # an entry of the descriptor table, fs/file.c
_TELLING = 10_000
"""Descriptors from which a program's memory is mostly that of its connections, not its own tens of MiB."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of one connection, at most; `application` 0 where it is not known, and then `why` says so.

    `spare` is how much less it may be, `notes` what of it is not known.
    """

    kernel: int
    application: int
    why: str
    spare: int = 0
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return self.kernel + self.application

    @property
    def least(self) -> int:
        return self.total - self.spare


def page(facts: CapacityFacts) -> int:
    """Return the bytes of a page on the host, of the smallest that there are where it is not known."""
    return facts.machine.page_size or kernel.LEAST_PAGE


def pages(bytes_in_flight: int, page: int = kernel.LEAST_PAGE) -> int:
    """Return the pages of tcp_mem that a queue with so many bytes is charged."""
    return queued.pages(bytes_in_flight, page)


def queue(bytes_in_flight: int, message: int, page: int = kernel.LEAST_PAGE) -> Span:
    """Return the pages of a queue with so many bytes, in messages of a size."""
    return queued.queue(bytes_in_flight, message, page)


def full(received: int, sent: int, page: int = kernel.LEAST_PAGE) -> int:
    """Return the pages of a socket whose buffers are full both ways: tcp_rmem's and tcp_wmem's third values.

    Autotuning takes them there (net/ipv4/tcp_input.c tcp_rcv_space_adjust(), tcp_sndbuf_expand()).
    """
    return -(-received // page) + -(-sent // page)


def socket(facts: CapacityFacts) -> Span:
    """Return the bytes of an idle socket on the kernel of the host."""
    known = releases.release(facts.machine.kernel)
    figure = SOCKET if known is None else _MEASURED.get(known)
    least, most = (figure, figure) if figure else (min(_MEASURED.values()), max(_MEASURED.values()))
    notes = []
    if not figure:
        notes.append(f"{least:,} to {most:,} bytes a socket: measured on Linux 5.10 to 7.2, not on this release")
    if facts.multipath:
        most = max(most, _MULTIPATH)
        notes.append(f"MPTCP is in use: a connection of it takes {_MULTIPATH:,} bytes, one of TCP {least:,}")
    return Span(least, most, tuple(notes))


def footprint(facts: CapacityFacts) -> Footprint:
    """Return what one more connection of the workload takes."""
    load = facts.workload
    if load.forwards:
        return Footprint(ENTRY, 0, "an entry of conntrack: the host has no socket of a connection that it passes on")
    each, waiting = socket(facts), queue(load.bytes_in_flight, load.message_size, page(facts))
    most = each.most * load.sockets_per_connection + waiting.most * page(facts)
    most += _POINTER * load.descriptors_per_connection
    spare = (each.most - each.least) * load.sockets_per_connection + (waiting.most - waiting.least) * page(facts)
    return Footprint(most, *_application(facts), spare, each.notes + waiting.notes)


def _application(facts: CapacityFacts) -> tuple[int, str]:
    """Return the bytes of the program itself, 0 where they are not known, and where they are from."""
    load, process = facts.workload, facts.process
    if load.application_memory:
        return load.application_memory, f"the profile's {load.application_memory:,} bytes of the program"
    if process is None or process.resident is None:
        return 0, "memory that the program itself takes per connection comes on top"
    if facts.descriptors_open < _TELLING:
        return (
            0,
            f"process {process.pid} has too few descriptors to tell what a connection takes of it; that comes on top",
        )
    measured = int(process.resident * load.descriptors_each / facts.descriptors_open)
    shared = f"VmRSS of process {process.pid} over its {facts.descriptors_open:,} descriptors"
    return measured, f"{measured:,} bytes are the program's: {shared}"
