"""What providers of virtual machines do to many connections, beside what is counted: said, with where it is written."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.model import TierPlan, Topology
from hosttune.model.clouds import KnownCloud, named

_UNTOLD = (
    "Amazon tracks connections per instance type and publishes no number: conntrack_allowance_available of the ena "
    "driver shows what is left, and security groups that allow all of 0.0.0.0/0 both ways do not track; give "
    "tracked_max where you know it (docs.aws.amazon.com/AWSEC2, security-group-connection-tracking)"
)


def lines(topology: Topology, plan: TierPlan, clouds: Iterable[KnownCloud]) -> tuple[str, ...]:
    """Return what the tier's provider will do at this load."""
    tier = plan.tier
    notes = []
    if tier.cloud == "aws" and tier.tracked_max is None:
        sides = plan.workload.sockets_per_connection or 2
        notes.append(f"{tier.name}: {plan.workload.connections * sides:,} tracked connections a host. {_UNTOLD}")
    if tier.cloud == "gcp" and tier.tracked_max is None and tier.cores is None:
        notes.append(
            f"{tier.name}: Google publishes a number of connections for each vCPU: give cores to have it counted"
        )
    known = named(clouds, tier.cloud)
    idle = known.idle if known else None
    keepalive = topology.message.keepalive
    if idle and keepalive > idle.seconds:
        notes.append(
            f"{tier.name}: a connection that is silent for {idle.seconds:,} s may be forgotten by {idle.what}, and "
            f"devices speak only every {keepalive:,} s (keepalive): {idle.source}"
        )
    if tier.cloud and tier.sources and tier.sources > 1:
        notes.append(
            f"{tier.name}: {tier.sources:,} source addresses a host have to be assigned to its network interface by "
            "the provider first: `hosttune sources plan` prints how"
        )
    return tuple(notes)
