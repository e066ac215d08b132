"""A provider's NAT gateway has no port left for a destination: its pool, not this host's.

docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html: 55,000 connections at once to each destination, for
each address of the gateway, of which it may have 8. It drops SYNs and counts ErrorPortAllocation.
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Flow, Traffic

RIVALS = ("ports", "conntrack", "cloud")
_ID = "nat-gateway"
_WHAT = "a NAT gateway between has no port left for a destination"
_AWS, _ADDRESSES = 55_000, 8
_SLACK = 0.01
_CONFIRM = (
    "the gateway's own metric: ErrorPortAllocation (AWS), SNAT connection count (Azure), OUT_OF_RESOURCES (Google)"
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what the gateway's own metric says, else what a number can hint at; the host itself shows nothing."""
    if clues.hits(_ID):
        return (_cause(clues, Certainty.CERTAIN, ()),)
    if clues.heard("ETIMEDOUT", "none") is False:
        return (saying.excluded(_ID, _WHAT, "there would be no errno of this host but ETIMEDOUT", "--errno"),)
    pools = _pools(clues.stalled_at)
    if pools:
        text = f"it stopped at {clues.stalled_at:,}, and {_size(pools)}"
        certain = clues.machine.cloud == "aws" and clues.heard("ETIMEDOUT")
        return (
            _cause(
                clues, Certainty.LIKELY if certain else Certainty.POSSIBLE, (Evidence(text, "--stalled-at"),), pools
            ),
        )
    flows = clues.traffic.flows if isinstance(clues.traffic, Traffic) else ()
    stuck = next((flow for flow in flows if flow.retried and _pools(flow.established)), None)
    if stuck:
        return (_cause(clues, Certainty.POSSIBLE, (_stuck(stuck),), _pools(stuck.established)),)
    if flows and not any(flow.retried for flow in flows):
        return (saying.excluded(_ID, _WHAT, "no SYN that went out waits without an answer", "sock_diag"),)
    return (saying.unknown(_ID, _WHAT, "a gateway's pool does not show on the host", _CONFIRM),)


def _pools(number: int | None) -> int:
    """Return at how many whole pools of such a gateway a number lies, 0 where at none."""
    counts = range(1, _ADDRESSES + 1)
    return next((n for n in counts if saying.near(number, _AWS * n, _SLACK)), 0)


def _size(pools: int) -> str:
    whole = f", {pools} of them {_AWS * pools:,}" if pools > 1 else ""
    return f"a NAT gateway of Amazon has {_AWS:,} ports for each destination and address{whole}"


def _stuck(flow: Flow) -> Evidence:
    where = f"[{flow.address}]:{flow.port}" if ":" in flow.address else f"{flow.address}:{flow.port}"
    text = f"{flow.established:,} connections to {where}, and {flow.retried:,} SYNs without an answer"
    return Evidence(f"{text}; {_size(_pools(flow.established))}", "sock_diag")


def _cause(clues: Clues, certainty: Certainty, evidence: tuple[Evidence, ...], pools: int = 0) -> Cause:
    pools = pools or _pools(clues.stalled_at)
    return Cause(
        _ID,
        _WHAT,
        certainty,
        _AWS * pools if pools else None,
        "connections to one destination",
        evidence=(*evidence, *saying.logged(clues, _ID), *saying.heard(clues)),
        log="ETIMEDOUT from connect(): the gateway drops the SYN",
        fixes=(
            "fewer connections to each destination: keep them open and use them again, or share them",
            "more addresses on the gateway (up to 8 with Amazon), or a gateway for each subnet",
            "no NAT at all: public addresses, or a private endpoint of the destination",
        ),
        confirm="" if certainty is Certainty.CERTAIN else _CONFIRM,
        strength=70,
    )
