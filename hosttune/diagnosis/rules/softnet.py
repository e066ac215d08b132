"""A CPU's queue of received packets is full, and packets are dropped before TCP sees them.

net/core/dev.c, enqueue_to_backlog(): used by loopback, veth, RPS and drivers without NAPI. softnet_stat counts for the
whole host, and so for all its network namespaces; the interface that the packet came in by counts it too.
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence

RIVALS = ("accept-queue", "path", "outside")
_ID = "softnet"
_WHAT = "drops in a CPU's receive queue"
_DROPPED, _SQUEEZED = "softnet.dropped", "softnet.squeezed"
_STAT = "/proc/net/softnet_stat"
_LONGEST = "net.core.netdev_max_backlog"
_INTERFACES = ("dev.rx_dropped", "dev.tx_dropped")
_AGAIN = "Tcp.RetransSegs"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where packets are dropped in this look; else that none is, or was once."""
    if clues.rates.rose(_DROPPED):
        return (_dropping(clues),)
    moved, ever = clues.rates.moved(_DROPPED), clues.rates.value(_DROPPED)
    if ever is None:
        return (saying.unknown(_ID, _WHAT, f"{_STAT} could not be read"),)
    if moved is None and ever:
        return (
            saying.unknown(_ID, _WHAT, f"{ever:,} were dropped since boot; two gatherings tell whether any is now"),
        )
    once = saying.once(clues, _DROPPED, _STAT)
    squeezed = saying.moved(clues, _SQUEEZED, _STAT)
    evidence = [once or Evidence(f"{_DROPPED} is {ever:,}", _STAT)]
    if squeezed:
        evidence.append(Evidence(f"{squeezed.text}: a CPU had more to do than one turn allows, but lost none", _STAT))
    return (Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=tuple(evidence)),)


def _dropping(clues: Clues) -> Cause:
    """Return how sure it is: the packets of this namespace were dropped, and TCP had to send again."""
    here, initial = _here(clues), clues.integer(_LONGEST) is not None
    again = clues.rates.rose(_AGAIN)
    certainty = Certainty.POSSIBLE
    if here or (here is None and initial):
        certainty = Certainty.CERTAIN if here and again else Certainty.LIKELY
    return Cause(
        _ID,
        _WHAT if certainty is Certainty.POSSIBLE else "a CPU's receive queue is full: packets are dropped before TCP",
        certainty,
        clues.integer(_LONGEST),
        "packets that wait on one CPU",
        evidence=_evidence(clues, here),
        log="nothing: it is slow, for what was lost is sent again after 0.2 s, a SYN after 1 s",
        fixes=(
            f"{'' if initial else 'on the host itself: '}sudo hosttune apply --role ROLE, for {_LONGEST}",
            "spread the packets over more CPUs: the queues of the interface (`ethtool -L`), RPS",
            "fewer packets at once: clients that come back spread over a few seconds",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else f"the second column of {_STAT}, and `ip -s link` of this namespace, again while it stalls",
        strength=65,
    )


def _here(clues: Clues) -> bool | None:
    """Say whether interfaces of this namespace dropped packets in this look; None where that was not seen."""
    if all(clues.rates.moved(name) is None for name in _INTERFACES):
        return None
    return any(clues.rates.rose(name) for name in _INTERFACES)


def _evidence(clues: Clues, here: bool | None) -> tuple[Evidence, ...]:
    found = [saying.moved(clues, _DROPPED, _STAT), saying.moved(clues, _SQUEEZED, _STAT)]
    found += [saying.moved(clues, name, "/proc/net/dev") for name in _INTERFACES]
    if here is False:
        found.append(Evidence("no interface of this namespace dropped one: it may be the traffic of another"))
    found.append(saying.moved(clues, _AGAIN, "/proc/net/snmp"))
    processed = clues.rates.rose("softnet.processed")
    if processed:
        found.append(Evidence(f"{processed:,} packets were processed meanwhile", _STAT))
    return tuple(one for one in found if one)
