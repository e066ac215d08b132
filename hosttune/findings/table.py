"""The table of connections, whose slots the kernel makes when it starts: long chains slow, they refuse nothing."""

from __future__ import annotations

from hosttune.model import Machine, Workload

_EACH = 4
"""Sockets of one slot from which it is worth a word: no slowdown was measured at 30,000 sockets in 128 slots."""

_SLOT = 128 << 10
_MOST = 524_288


def hint(workload: Workload, machine: Machine, slots: int | None) -> tuple[str, ...]:
    """Return a sentence where the target puts many sockets into a slot; () where it does not, or nothing is known.

    `slots` is net.ipv4.tcp_ehash_entries: negative in a namespace that shares the table, None where a kernel has no
    such key. It has one for 128 KiB of RAM then, a power of two, at most 524,288 (net/ipv4/tcp.c tcp_init()).
    """
    if slots is None and machine.memory is not None and machine.kernel:
        slots = min(1 << max(machine.memory // _SLOT - 1, 0).bit_length(), _MOST)
    sockets = workload.connections * workload.sockets_per_connection
    if not slots or sockets < _EACH * abs(slots):
        return ()
    shared = ", which this namespace shares" if slots < 0 else ""
    asked = 1 << (sockets - 1).bit_length()
    where = f"{abs(slots):,} slots of the table of connections (net.ipv4.tcp_ehash_entries){shared}"
    fix = f"thash_entries={asked} on the kernel's command line makes it larger, at a boot"
    return (
        f"{sockets:,} sockets in {where}: each packet looks at {sockets // abs(slots):,}, nothing is refused; {fix}",
    )
