"""What providers of virtual machines do to many connections, beside what is counted: said, with where it is written."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model import TierPlan, Topology


@dataclass(frozen=True, slots=True)
class Idle:
    """For how many seconds a provider remembers a connection that is silent, and where that is written."""

    cloud: str
    seconds: int
    of: str
    source: str


_IDLE = (
    Idle(
        "aws",
        350,
        "instance types of Nitro v6 (others: 432,000 s) and load balancers and NAT gateways",
        "docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html",
    ),
    Idle("azure", 240, "load balancers and public addresses", "learn.microsoft.com, load-balancer-tcp-idle-timeout"),
    Idle("gcp", 600, "VPC firewalls", "cloud.google.com/vpc/docs/firewalls"),
)

_UNTOLD = (
    "Amazon tracks connections per instance type and publishes no number: conntrack_allowance_available of the ena "
    "driver shows what is left, and security groups that allow all of 0.0.0.0/0 both ways do not track; say "
    "tracked_max where you know it (docs.aws.amazon.com/AWSEC2, security-group-connection-tracking)"
)


def lines(topology: Topology, plan: TierPlan) -> tuple[str, ...]:
    """Return what the tier's provider will do at this load."""
    tier = plan.tier
    notes = []
    if tier.cloud == "aws" and tier.tracked_max is None:
        sides = plan.workload.sockets_per_connection
        notes.append(f"{tier.name}: {plan.workload.connections * sides:,} tracked connections a host. {_UNTOLD}")
    if tier.cloud == "gcp" and tier.tracked_max is None and tier.cores is None:
        notes.append(
            f"{tier.name}: Google publishes a number of connections for each vCPU: say cores to have it counted"
        )
    idle = next((row for row in _IDLE if row.cloud == tier.cloud), None)
    keepalive = topology.message.keepalive
    if idle and keepalive > idle.seconds:
        notes.append(
            f"{tier.name}: a connection that is silent for {idle.seconds:,} s may be forgotten by {idle.of}, and "
            f"devices speak only every {keepalive:,} s (keepalive): {idle.source}"
        )
    if tier.cloud and tier.sources and tier.sources > 1:
        notes.append(
            f"{tier.name}: {tier.sources:,} source addresses a host have to be assigned to its network interface by "
            "the provider first: `hosttune sources plan` prints how"
        )
    return tuple(notes)
