"""Whether a host passes on what is not for itself (net/ipv4/route.c, ip_route_input_slow())."""

from __future__ import annotations

from hosttune.capacity import saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Unknown

_KEY = "net.ipv4.ip_forward"


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of a host that forwards while its kernel does not, or is not known to; none else.

    An interface may do so by a switch of its own (net.ipv4.conf.NAME.forwarding). Backends that are all IPv6
    are passed on by other switches (net.ipv6.conf.*.forwarding), which are not read.
    """
    goals = facts.workload.backends
    if not facts.workload.forwards or (goals and all(":" in goal.address for goal in goals)):
        return ()
    forwards = facts.integer(_KEY)
    if facts.forwarding or forwards is None or (isinstance(forwards, int) and forwards):
        return ()
    return (
        Bound(
            kind="forwarding",
            name=_KEY,
            hard=forwards if isinstance(forwards, Unknown) else 0,
            reads=_KEY,
            fails="no errno: the packet is dropped, the client stays in SYN_SENT",
            remedies=() if isinstance(forwards, Unknown) else saying.sysctl(_KEY, 1, "switch", 1),
            counter="/proc/net/snmp Ip: InAddrErrors",
        ),
    )
