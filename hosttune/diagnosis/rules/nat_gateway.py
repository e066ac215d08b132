"""A provider's NAT gateway has no port left for a destination: its pool, not this host's.

docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html: 55,000 connections at once to each destination, for
each address of the gateway, of which it may have 8. It drops SYNs and counts ErrorPortAllocation.
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Backend, Cause, Certainty, Evidence

RULE = Rule(
    __name__,
    "a NAT gateway between has no port left for a destination",
    errnos=("ETIMEDOUT", "none"),
    unit="connections to one destination",
    log="ETIMEDOUT from connect(): the gateway drops the SYN",
    fixes=(
        "fewer connections to each destination: keep them open and use them again, or share them",
        "more addresses on the gateway (up to 8 with Amazon), or a gateway for each subnet",
        "no NAT at all: public addresses, or a private endpoint of the destination",
    ),
    confirm="the gateway's own metric: ErrorPortAllocation (AWS), SNAT connection count (Azure), OUT_OF_RESOURCES "
    "(Google)",
    strength=70,
    rivals=("ports", "conntrack", "cloud"),
)
_AWS, _ADDRESSES = 55_000, 8
_SLACK = 0.01


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what the gateway's own metric says, else what a number can hint at; the host itself shows nothing."""
    if clues.hits(RULE.kind):
        return (_cause(clues, Certainty.CERTAIN, None, _pools(clues.stalled_at)),)
    if RULE.met(clues) is False:
        return (RULE.excluded("there would be no errno of this host but ETIMEDOUT", "--errno"),)
    pools = _pools(clues.stalled_at)
    if pools:
        text = Evidence(f"it stopped at {clues.stalled_at:,}, and {_size(pools)}", "--stalled-at")
        likely = clues.machine.cloud == "aws" and clues.met("ETIMEDOUT")
        return (_cause(clues, Certainty.LIKELY if likely else Certainty.POSSIBLE, text, pools),)
    stuck = next((flow for flow in clues.flows if flow.retried and _pools(flow.established)), None)
    if stuck:
        where, pools = Backend(stuck.address, stuck.port), _pools(stuck.established)
        counts = f"{stuck.established:,} connections to {where}, and {stuck.retried:,} SYNs without an answer"
        return (_cause(clues, Certainty.POSSIBLE, Evidence(f"{counts}; {_size(pools)}", "sock_diag"), pools),)
    if clues.flows and not any(flow.retried for flow in clues.flows):
        return (RULE.excluded("no SYN that went out waits without an answer", "sock_diag"),)
    return (RULE.unknown("a gateway's pool does not show on the host", RULE.confirm),)


def _pools(number: int | None) -> int:
    """Return at how many whole pools of such a gateway a number lies, 0 where at none."""
    counts = range(1, _ADDRESSES + 1)
    return next((n for n in counts if saying.near(number, _AWS * n, _SLACK)), 0)


def _size(pools: int) -> str:
    whole = f", {pools} of them {_AWS * pools:,}" if pools > 1 else ""
    return f"a NAT gateway of Amazon has {_AWS:,} ports for each destination and address{whole}"


def _cause(clues: Clues, certainty: Certainty, seen: Evidence | None, pools: int) -> Cause:
    words = (*saying.logged(clues, RULE.kind), *saying.named(clues))
    return RULE.cause(clues, certainty, seen, at=_AWS * pools if pools else None, words=words)
