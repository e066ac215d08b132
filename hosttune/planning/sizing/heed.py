"""What is to be heeded beside the bounds: knees, ports that are given away, queues of a fan-out, uneven spread."""

from __future__ import annotations

from fractions import Fraction

from hosttune.model import BindMode, Hop, TierPlan, Topology
from hosttune.planning.sizing import tier_size


def lines(topology: Topology, plan: TierPlan) -> tuple[str, ...]:
    """Return the warnings of one tier, each a sentence that begins with its name."""
    warnings = [f"{plan.tier.name}: {note}" for note in plan.notes]
    for hop in plan.hops:
        warnings += _knee(hop, plan.tier.forwards)
        warnings += _ports(plan, hop)
    warnings += _queues(topology, plan)
    # two legs have the same ports
    return tuple(dict.fromkeys(warnings))


def _knee(hop: Hop, forwards: bool) -> list[str]:
    if hop.knee is None or hop.each <= hop.knee:
        return []
    to = " and ".join(hop.to)
    if forwards:
        return [
            f"{hop.tier}: {hop.each:,} connections of an address of NAT towards a destination of {to}, where from "
            f"{hop.knee:,} of {hop.ports:,} on first SYNs are lost and retransmitted; more addresses avoid it"
        ]
    return [
        f"{hop.tier}: {hop.each:,} connections of one source address to {to}, slow above {hop.knee:,}: "
        f"each connect() then scans up to {hop.knee:,} ports in use; more pairs of source address and "
        "backend avoid it"
    ]


def _ports(plan: TierPlan, hop: Hop) -> list[str]:
    tier, warnings = plan.tier, []
    inside = ", ".join(map(str, hop.listening))
    if inside and not tier.reserved_ports:
        warnings.append(
            f"{hop.tier}: it listens on {inside}, within {hop.low}-{hop.high}: no connection can have that port, and "
            "its profile reserves it, so that none takes it before the listener does"
        )
    if hop.mode is not BindMode.EXPLICIT and hop.in_range > 1 and hop.in_range % 2:
        # the search looks at an even number of ports (`remaining &= ~1U`, net/ipv4/inet_hashtables.c)
        low, high = max(hop.low, 1024), hop.high
        fix = f"{low + 1}-{high}" if high == 65535 else f"{low}-{high + 1}"
        warnings.append(
            f"{hop.tier}: {hop.low}-{hop.high} has an odd number of ports: the last one is found only by "
            f"luck; {fix} has an even one"
        )
    if hop.mode is BindMode.CONNECT and (tier.sources or 1) > 1:
        warnings.append(
            f"{hop.tier}: a program that only connects dials from the one address that routing picks: "
            f"{tier.sources:,} source addresses help only where it binds to them"
        )
    if hop.mode is BindMode.BIND and hop.backends > 1:
        warnings.append(
            f"{hop.tier}: it binds before it connects: {hop.ports:,} ports a source address for all {hop.backends:,} "
            "destinations together; with IP_BIND_ADDRESS_NO_PORT each would have them all"
        )
    return warnings


def _queues(topology: Topology, plan: TierPlan) -> list[str]:
    """Hold a fan-out against tcp_mem: each socket with anything unread is charged a page (net/core/sock.c)."""
    message = topology.message
    pages = tier_size.fan_out_pages(topology, plan.tier, plan.factor * topology.connections)
    limits = next((s.value for s in plan.settings if s.subject == "sysctl:net.ipv4.tcp_mem"), None)
    if not pages or Fraction(message.fan_out) < 1:
        return []
    need = (
        f"{plan.tier.name}: a message of {message.size:,} bytes to {message.fan_out:,} devices takes {pages:,} pages "
        f"of tcp_mem ({pages * tier_size.PAGE / 2**20:,.0f} MiB) a host while nobody reads"
    )
    if not isinstance(limits, tuple) or len(limits) != 3:
        return [f"{need}; give memory to have it compared with the limit"]
    if pages <= limits[2]:
        return []
    return [f"{need}, and its limit will be {limits[2]:,}: data is dropped and retransmitted"]
