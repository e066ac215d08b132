"""The provider tracks connections outside of the machine, and drops what is beyond its allowance.

Amazon's driver counts it (ethtool -S of ena: conntrack_allowance_exceeded, and conntrack_allowance_available since
2.8.1); of other providers there is only a published figure, which is no reading of this machine.
docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-network-performance-ena.html
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Traffic

RIVALS = ("conntrack", "outside", "nat-gateway", "accept-queue")
_ID = "cloud"
_WHAT = "the provider tracks no more connections of this machine"
_LEFT, _EXCEEDED = "ena.conntrack_allowance_available", "ena.conntrack_allowance_exceeded"
_ETHTOOL = "ethtool -S, ena driver"
_OF_CPU, _MOST = 130_000, 1_040_000  # cloud.google.com/vpc/docs/firewalls
_AZURE = 500_000  # learn.microsoft.com, virtual-machine-network-throughput: two flows a connection
_FIX = (
    "rules that do not track: in a security group all TCP from 0.0.0.0/0 in and all to 0.0.0.0/0 out; filter by NACL",
    "a larger instance type, or more instances",
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what the driver counts; else whether a published figure is near; else that nothing tells."""
    if clues.rates.value(_LEFT) is not None or clues.rates.value(_EXCEEDED) is not None:
        return (_counted(clues),)
    who, most = _published(clues)
    if most:
        return (_near(clues, who, most),)
    if clues.machine.cloud == "aws":
        why = "the driver does not count it here (ena 2.8.1 and later, on Nitro)"
        return (saying.unknown(_ID, _WHAT, why, "ethtool -S INTERFACE | grep allowance"),)
    if clues.machine.kernel and not (clues.machine.virtualisation or clues.machine.container or clues.machine.cloud):
        return (saying.excluded(_ID, _WHAT, "no hypervisor is seen below this host", "/sys/class/dmi/id"),)
    return (saying.unknown(_ID, _WHAT, "no counter of a provider is seen here"),)


def _counted(clues: Clues) -> Cause:
    now, once = saying.moved(clues, _EXCEEDED, _ETHTOOL), saying.once(clues, _EXCEEDED, _ETHTOOL)
    left = clues.rates.value(_LEFT)
    told = () if left is None else (Evidence(f"{_LEFT.partition('.')[2]} is {left:,}", _ETHTOOL),)
    dropped = (once,) if once else _stands(clues)
    if now:
        return _cause(clues, Certainty.CERTAIN, (now, *told))
    if left == 0:
        return _cause(clues, Certainty.LIKELY if _waits(clues) else Certainty.POSSIBLE, told)
    if clues.rates.value(_EXCEEDED) and _waits(clues) and not left:
        return _cause(clues, Certainty.POSSIBLE, dropped)
    text = "; ".join(e.text for e in (*told, *dropped))
    return saying.excluded(_ID, _WHAT, text, _ETHTOOL)


def _stands(clues: Clues) -> tuple[Evidence, ...]:
    count = clues.rates.value(_EXCEEDED)
    return () if count is None else (Evidence(f"conntrack_allowance_exceeded is {count:,} since boot", _ETHTOOL),)


def _waits(clues: Clues) -> bool:
    """Say whether SYNs go without an answer, here or as somebody said."""
    flows = clues.traffic.flows if isinstance(clues.traffic, Traffic) else ()
    return any(flow.retried for flow in flows) or bool(clues.heard("ETIMEDOUT")) or bool(clues.stalled_at)


def _published(clues: Clues) -> tuple[str, int]:
    """Return the provider and what it publishes for such a machine, 0 where it publishes nothing."""
    if clues.machine.cloud == "azure":
        return "Azure", _AZURE
    if clues.machine.cloud == "gcp" and clues.machine.cpus:
        return "Google", min(_OF_CPU * clues.machine.cpus, _MOST)
    return "", 0


def _near(clues: Clues, who: str, most: int) -> Cause:
    number = clues.stalled_at or clues.rates.value("Tcp.CurrEstab")
    if number is None:
        return saying.unknown(_ID, _WHAT, f"{who} publishes {most:,} connections; how many are open was not seen")
    text = f"{number:,} connections, where {who} publishes {most:,} for such a machine"
    if _waits(clues) and saying.near(number, most):
        return _cause(clues, Certainty.POSSIBLE, (Evidence(text),), most)
    return saying.excluded(_ID, _WHAT, text)


def _cause(clues: Clues, certainty: Certainty, evidence: tuple[Evidence, ...], at: int | None = None) -> Cause:
    return Cause(
        _ID,
        _WHAT,
        certainty,
        at,
        evidence=(*evidence, *saying.heard(clues)),
        log="nothing here; ETIMEDOUT from connect() at the peer, or here: packets are dropped outside of the machine",
        fixes=_FIX,
        confirm=""
        if certainty is Certainty.CERTAIN
        else "ethtool -S INTERFACE, twice: does an allowance counter move?",
        strength=90,
    )
