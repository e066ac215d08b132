"""What clouds track for a virtual machine outside of it: counted by one driver, else only published."""

from __future__ import annotations

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Reason, Remedy, Scope, Unknown

_AZURE = 500_000
"""1,000,000 flows a VM, two a connection: learn.microsoft.com, virtual-machine-network-throughput."""

_GCP_CPU, _GCP_MOST = 130_000, 1_040_000
"""Tracked connections a vCPU, and from 8 vCPU on: cloud.google.com/vpc/docs/firewalls."""

_DRIVER = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-network-performance-ena.html"


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the cloud's bound where it is counted or published; a connection through the VM counts on each side."""
    sides = facts.workload.sockets_per_connection
    cloud = facts.machine.cloud
    if facts.allowance is not None:
        return (_aws(facts, sides),)
    figure = published(cloud, facts.machine.cpus)
    return (_published(facts, figure[0], figure[1] // sides, figure[2]),) if figure else ()


def published(cloud: str, cpus: int | None) -> tuple[str, int, str] | None:
    """Return who publishes how many tracked connections a machine, and where; None where nobody does."""
    if cloud == "azure":
        return ("Azure", _AZURE, "learn.microsoft.com, virtual-machine-network-throughput")
    if cloud == "gcp" and cpus:
        return ("Google", min(_GCP_CPU * cpus, _GCP_MOST), "cloud.google.com/vpc/docs/firewalls")
    return None


def _aws(facts: CapacityFacts, sides: int) -> Bound:
    left = facts.allowance
    hard = facts.carried + left // sides if isinstance(left, int) else left
    want = (facts.workload.connections - facts.carried) * sides
    text = f"security groups that do not track, or an instance type that tracks {want:,} more"
    dropped = (f"{facts.exceeded:,} packets were dropped beyond it",) if facts.exceeded else ()
    return Bound(
        kind="cloud",
        scope=Scope.OUTSIDE,
        name="connections that Amazon tracks",
        hard=hard,
        used=facts.carried or None,
        reads="conntrack_allowance_available of the ena driver (ethtool -S)",
        fails="no errno: SYNs are dropped, the client stays in SYN_SENT",
        remedies=(Remedy("cloud:conntrack_allowance_available", want, None, "connections", text),)
        if facts.short(hard)
        else (),
        notes=(*dropped, f"source: {_DRIVER}"),
        counter="ethtool -S: conntrack_allowance_exceeded",
    )


def _published(facts: CapacityFacts, who: str, most: int, source: str) -> Bound:
    """A published figure is not a reading of this machine: it never decides, and speaks where it matters."""
    sentence = f"{who} publishes {most:,} connections of this role for such a machine ({source})"
    below = most < facts.workload.connections
    return Bound(
        kind="cloud",
        scope=Scope.OUTSIDE,
        name="cloud quota",
        hard=Unknown(Reason.UNDECIDED, sentence) if below else None,
        reads=source,
        fails="no errno: packets of new connections are dropped outside of this machine",
        notes=(sentence,),
    )
