"""What clouds track for a virtual machine outside of it: counted by one driver, else only published."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Reason, Remedy, Scope, Unknown
from hosttune.model.clouds import KnownCloud, named

_DRIVER = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-network-performance-ena.html"


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the cloud's bound where it is counted or published; a connection through the VM counts on each side."""
    # what is passed on comes in and goes out, as what is proxied does
    sides = facts.workload.sockets_per_connection or 2
    cloud = facts.machine.cloud
    if facts.allowance is not None:
        return (_aws(facts, sides),)
    figure = published(facts.clouds, cloud, facts.machine.cpus)
    return (_published(facts, figure[0], figure[1] // sides, figure[2]),) if figure else ()


def published(clouds: Iterable[KnownCloud], cloud: str, cpus: int | None) -> tuple[str, int, str] | None:
    """Return who publishes how many tracked connections a machine, and where; None where nobody does."""
    known = named(clouds, cloud)
    most = known.quota.of(cpus) if known and known.quota else None
    return (known.title, most, known.quota.source) if known and known.quota and most is not None else None


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
