"""A CPU's queue of received packets is full, and packets are dropped before TCP sees them.

net/core/dev.c, enqueue_to_backlog(): used by loopback, veth, RPS and drivers without NAPI. softnet_stat counts for the
whole host, and so for all its network namespaces; the interface that the packet came in by counts it too.
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Cause, Certainty, Evidence, Fix

_STAT = "/proc/net/softnet_stat"
RULE = Rule(
    __name__,
    "drops in a CPU's receive queue",
    unit="packets that wait on one CPU",
    log="nothing: it is slow, for what was lost is retransmitted after 0.2 s, a SYN after 1 s",
    confirm=f"the second column of {_STAT}, and `ip -s link` of this namespace, again while it stalls",
    strength=65,
    errnos=("ETIMEDOUT", "none"),
    rivals=("accept-queue", "path", "outside"),
)
_DROPPED, _SQUEEZED = "softnet.dropped", "softnet.squeezed"
_LONGEST = "net.core.netdev_max_backlog"
_INTERFACES = ("dev.rx_dropped", "dev.tx_dropped")
_AGAIN = "Tcp.RetransSegs"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where packets are dropped in this look; else that none is, or was once."""
    if clues.rates.rose(_DROPPED):
        return (_dropping(clues),)
    moved, ever = clues.rates.moved(_DROPPED), clues.rates.value(_DROPPED)
    if ever is None:
        return (RULE.unknown(f"{_STAT} could not be read"),)
    if moved is None and ever:
        return (RULE.unknown(f"{ever:,} were dropped since boot; two gatherings tell whether any is now"),)
    once = saying.once(clues, _DROPPED, _STAT) or Evidence(f"{_DROPPED} is {ever:,}", _STAT)
    squeezed = saying.moved(clues, _SQUEEZED, _STAT)
    text = f"{squeezed.text}: a CPU had more to do than one turn allows, but lost none" if squeezed else ""
    return (RULE.excluded(once, "", Evidence(text, _STAT) if squeezed else None),)


def _dropping(clues: Clues) -> Cause:
    """Return how sure it is: the packets of this namespace were dropped, and TCP had to send again."""
    own, initial = _own_dropped(clues), clues.integer(_LONGEST) is not None
    certainty = Certainty.POSSIBLE
    if own or (own is None and initial):
        certainty = Certainty.CERTAIN if own and clues.rates.rose(_AGAIN) else Certainty.LIKELY
    sure = certainty is not Certainty.POSSIBLE
    return RULE.cause(
        clues,
        certainty,
        _evidence(clues, own),
        at=clues.integer(_LONGEST),
        what="a CPU's receive queue is full: packets are dropped before TCP" if sure else "",
        words=(),
        fixes=(
            *_longer(clues),
            Fix("spread the packets over more CPUs: the queues of the interface (`ethtool -L`), RPS"),
            Fix("fewer packets at once: clients that come back spread over a few seconds"),
        ),
    )


def _longer(clues: Clues) -> tuple[Fix, ...]:
    longest = clues.integer(_LONGEST)
    if longest is None:
        return (Fix(f"a longer queue for each CPU: {_LONGEST}, which is set and seen on the host itself"),)
    return fixing.twice(clues, _LONGEST, longest)


def _own_dropped(clues: Clues) -> bool | None:
    """Say whether interfaces of this namespace dropped packets in this look; None where that was not observed."""
    if all(clues.rates.moved(name) is None for name in _INTERFACES):
        return None
    return any(clues.rates.rose(name) for name in _INTERFACES)


def _evidence(clues: Clues, own: bool | None) -> tuple[Evidence, ...]:
    processed = clues.rates.rose("softnet.processed")
    none = Evidence("no interface of this namespace dropped one: it may be the traffic of another")
    return some(
        saying.moved(clues, _DROPPED, _STAT),
        saying.moved(clues, _SQUEEZED, _STAT),
        *(saying.moved(clues, name, "/proc/net/dev") for name in _INTERFACES),
        none if own is False else None,
        saying.moved(clues, _AGAIN, "/proc/net/snmp"),
        Evidence(f"{processed:,} packets were processed in that time", _STAT) if processed else None,
    )
