"""The provider tracks connections outside of the machine, and drops what is beyond its allowance.

Amazon's driver counts it (ethtool -S of ena: conntrack_allowance_exceeded, and conntrack_allowance_available since
2.8.1); of other providers there is only a published figure, which is no reading of this machine.
docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-network-performance-ena.html
"""

from __future__ import annotations

from hosttune.capacity.bounds import cloud as quota
from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Cause, Certainty, Evidence, Fix

RULE = Rule(
    __name__,
    "the provider tracks no more connections of this machine",
    log="nothing here; ETIMEDOUT from connect() at the peer, or here: packets are dropped outside of the machine",
    fixes=(
        Fix(
            "rules that do not track: in a security group all TCP from 0.0.0.0/0 in and all to 0.0.0.0/0 out; "
            "filter by NACL"
        ),
        Fix("a larger instance type, or more instances"),
    ),
    confirm="ethtool -S INTERFACE, twice: does an allowance counter move?",
    strength=90,
    errnos=("ETIMEDOUT", "none"),
    rivals=("conntrack", "outside", "nat-gateway", "accept-queue"),
)
_LEFT, _EXCEEDED = "ena.conntrack_allowance_available", "ena.conntrack_allowance_exceeded"
_ETHTOOL = "ethtool -S, ena driver"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what the driver counts; else whether a published figure is near; else that nothing is known."""
    if clues.rates.value(_LEFT) is not None or clues.rates.value(_EXCEEDED) is not None:
        return (_counted(clues),)
    published = quota.published(clues.clouds, clues.machine.cloud, clues.machine.cpus)
    if published:
        return (_near(clues, *published[:2]),)
    if clues.machine.cloud == "aws":
        why = "the driver does not count it here (ena 2.8.1 and later, on Nitro)"
        return (RULE.unknown(why, "ethtool -S INTERFACE | grep allowance"),)
    if clues.machine.kernel and not (clues.machine.virtualisation or clues.machine.container or clues.machine.cloud):
        return (RULE.excluded("no hypervisor is seen below this host", "/sys/class/dmi/id"),)
    return (RULE.unknown("no counter of a provider is seen here"),)


def _counted(clues: Clues) -> Cause:
    now, once = saying.moved(clues, _EXCEEDED, _ETHTOOL), saying.once(clues, _EXCEEDED, _ETHTOOL)
    left, count = clues.rates.value(_LEFT), clues.rates.value(_EXCEEDED)
    room = None if left is None else Evidence(f"{_LEFT.partition('.')[2]} is {left:,}", _ETHTOOL)
    stands = None if count is None else Evidence(f"conntrack_allowance_exceeded is {count:,} since boot", _ETHTOOL)
    if now:
        return RULE.cause(clues, Certainty.CERTAIN, now, room)
    if left == 0:
        return RULE.cause(clues, Certainty.LIKELY if _waits(clues) else Certainty.POSSIBLE, room)
    if count and _waits(clues) and not left:
        return RULE.cause(clues, Certainty.POSSIBLE, once or stands)
    return RULE.excluded("; ".join(evidence.text for evidence in some(room, once or stands)), _ETHTOOL)


def _waits(clues: Clues) -> bool:
    """Say whether SYNs go without an answer, here or as somebody said."""
    return any(flow.retried for flow in clues.flows) or bool(clues.met("ETIMEDOUT")) or bool(clues.stalled_at)


def _near(clues: Clues, who: str, most: int) -> Cause:
    number = clues.stalled_at or clues.rates.value("Tcp.CurrEstab")
    if number is None:
        return RULE.unknown(f"{who} publishes {most:,} connections; how many are open was not seen")
    text = f"{number:,} connections, where {who} publishes {most:,} for such a machine"
    if _waits(clues) and saying.near(number, most):
        return RULE.cause(clues, Certainty.POSSIBLE, Evidence(text), at=most)
    return RULE.excluded(text)
