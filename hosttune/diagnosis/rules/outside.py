"""SYNs go out and nothing comes back, and nothing on this host drops them: the limit lies elsewhere.

tcp(7), tcp_syn_retries: a SYN is sent again after 1 s, and connect() fails with ETIMEDOUT after about two minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.diagnosis import saying, table
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, Flow, Ipvs, Traffic, Unknown
from hosttune.model.clouds import named

RULE = Rule(
    __name__,
    "something outside of this host drops the SYNs",
    errnos=("ETIMEDOUT", "none"),
    log="no error at first; ETIMEDOUT from connect() after about two minutes",
    rivals=("conntrack", "nat", "ports", "accept-queue", "path"),
)
_STALLED = 3
"""SYNs without an answer that are more than a lost packet."""

_MOST = 3
_SOCKETS = "sock_diag"
_PLACES = (
    "look, in this order, at the listener at the far end (`ss -ltn` there: Recv-Q above Send-Q, and "
    "ListenOverflows), its conntrack table (`dmesg` there), a firewall, load balancer or NAT on the way, {quota}"
)
_ALLOWANCE = "the connections that Amazon tracks for this instance type (`ethtool -S`: conntrack_allowance_exceeded)"
_CONFIRM = "`tcpdump -ni any 'tcp[tcpflags] & tcp-syn != 0'` at both ends: it shows whether the SYN arrives there"
_OWN_RULE = "a `counter` in the rules of nft that may drop it, or `iptables -vnL`: which of them rises"


@dataclass(frozen=True, slots=True)
class _Target:
    """A destination that leaves SYNs without an answer, from all sources together.

    `mute` are the sources to which none of it comes back, where it answers others: all SYNs without an answer are
    theirs.
    """

    name: str
    established: int
    opening: int
    retried: int
    mute: tuple[str, ...] = ()


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each destination that does not answer; without one, what errno says, or why not."""
    if isinstance(clues.traffic, Unknown):
        return (_by_word(clues) or RULE.unknown(clues.traffic),)
    own = _own(clues.traffic)
    silent = _silent(clues.traffic, own)
    if not silent:
        local = sum(flow.retried for flow in clues.flows if flow.address in own)
        if local:
            text = f"the {local:,} SYNs without an answer go to a listener of this host"
            return (RULE.excluded(text, _SOCKETS),)
        text = f"{clues.opening:,} sockets wait for an answer to their SYN, and none has sent it again"
        return (_by_word(clues) or RULE.excluded(text, _SOCKETS),)
    if table.state(clues) is table.State.BINDS:
        return (RULE.excluded("the conntrack table of this host drops them", table.STATISTICS),)
    alone = not any(flow.established for flow in clues.flows)
    return tuple(_cause(clues, target, alone) for target in silent[:_MOST])


def _own(traffic: Traffic) -> frozenset[str]:
    """Return the addresses that are this host's: sources, those of listeners and loopback."""
    near = {flow.source for flow in traffic.flows} | {listener.address for listener in traffic.listeners}
    near |= {f.address for f in traffic.flows if f.address.startswith("127.") or f.address == "::1"}
    return frozenset(near)


def _silent(traffic: Traffic, own: frozenset[str]) -> list[_Target]:
    """Return the destinations elsewhere that leave SYNs without an answer, the most first."""
    counts: dict[tuple[str, int], Counter[str]] = {}
    flows: dict[tuple[str, int], list[Flow]] = {}
    for flow in traffic.flows:
        if flow.address not in own:
            row = counts.setdefault((flow.address, flow.port), Counter())
            row.update(established=flow.established, opening=flow.opening, retried=flow.retried)
            flows.setdefault((flow.address, flow.port), []).append(flow)
    targets = [
        _Target(str(Backend(a, p)), row["established"], row["opening"], row["retried"], _mute(flows[a, p]))
        for (a, p), row in counts.items()
        if row["retried"]
    ]
    return sorted(targets, key=lambda target: -target.retried)


def _mute(flows: Sequence[Flow]) -> tuple[str, ...]:
    """Return the sources that a destination has never answered, where it answers each other one."""
    waiting = [flow for flow in flows if flow.retried]
    heard = any(flow.established and not flow.retried for flow in flows)
    return tuple(flow.source for flow in waiting) if heard and not any(f.established for f in waiting) else ()


def _no_way_back(clues: Clues, target: _Target) -> Cause:
    """Return the cause of a source address to which the answers do not come back."""
    named = ", ".join(target.mute[:_MOST]) + (", and more" if len(target.mute) > _MOST else "")
    first = target.mute[0]
    back = f"a route back to {first} at the far end and on the way: `ip route get {first}` there shows where it goes"
    return RULE.cause(
        clues,
        Certainty.LIKELY,
        _seen(clues, target),
        at=target.established or None,
        what=f"{target.name} answers other source addresses, but nothing comes back to {named}",
        fixes=(Fix(back), Fix(f"until then leave {named} out of the source addresses")),
        confirm=_CONFIRM,
        strength=35,
    )


def _cause(clues: Clues, target: _Target, alone: bool) -> Cause:
    """Return the cause of one destination: likely where several SYNs wait, or where it has never answered.

    A backend that is down, beside others that answer, explains no number at which a program stopped.
    """
    if target.mute and not _refused(clues) and RULE.met(clues) is not False:
        return _no_way_back(clues, target)
    dead = not target.established
    what = f"{target.name} answers no new connection beyond {target.established:,}: the limit lies outside of this host"
    if _refused(clues):
        who = "IPVS, a firewall rule" if _balanced(clues, target) else "a firewall rule"
        what = f"{who} or a route of this host itself drops the SYNs towards {target.name}"
    elif dead:
        what = f"{target.name} does not answer at all" + ("" if alone else ", other destinations do")
    likely = (dead or target.retried >= _STALLED) and RULE.met(clues) is not False
    likely = likely and not (dead and not alone and clues.stalled_at) and not _balanced(clues, target)
    return RULE.cause(
        clues,
        Certainty.LIKELY if likely else Certainty.POSSIBLE,
        _seen(clues, target),
        at=target.established or None,
        what=what,
        against=_balanced(clues, target),
        fixes=_fixes(clues, target),
        confirm=_OWN_RULE if _refused(clues) else _CONFIRM,
        strength=30 if dead else 35,
    )


def _balanced(clues: Clues, target: _Target) -> Evidence | None:
    """Return that IPVS of this host answers for a destination, and so may drop what is sent to it."""
    if not isinstance(clues.ipvs, Ipvs) or target.name not in clues.ipvs.services:
        return None
    return Evidence(f"{target.name} is a service of IPVS here, which may drop them", "/proc/net/ip_vs")


def _seen(clues: Clues, target: _Target) -> tuple[Evidence, ...]:
    text = (
        f"{target.name}: {target.established:,} established, {target.opening:,} in SYN_SENT, of which "
        f"{target.retried:,} have sent their SYN again"
    )
    return some(
        Evidence(text, _SOCKETS),
        saying.moved(clues, "TcpExt.TCPSynRetrans", "/proc/net/netstat"),
        _refused(clues),
        saying.moved(clues, "arp_cache.res_failed", "/proc/net/stat/arp_cache"),
        saying.moved(clues, "softnet.dropped", "/proc/net/softnet_stat"),
    )


def _refused(clues: Clues) -> Evidence | None:
    """Return that this host itself would not send them: tcp_retransmit_skb() counts what the stack below refused."""
    failed = saying.moved(clues, "TcpExt.TCPRetransFail", "/proc/net/netstat")
    if failed is None:
        return None
    return Evidence(f"{failed.text}: a rule of this host's own firewall drops them, or it has no route", failed.where)


def _fixes(clues: Clues, target: _Target) -> tuple[Fix, ...]:
    if _refused(clues):
        return (Fix("`nft list ruleset` and `iptables-save`: a rule of the output that drops; `ip route get ADDRESS`"),)
    if not target.established:
        return (
            Fix(f"is {target.name} up, is its address right, does a firewall drop it? It is no limit of this host"),
        )
    return (Fix(_PLACES.format(quota=_quota(clues))),)


def _quota(clues: Clues) -> str:
    """Return what the provider tracks of this machine, as far as that is known."""
    if clues.machine.cloud == "aws":
        return _ALLOWANCE
    known = named(clues.clouds, clues.machine.cloud)
    most = known.quota.of(clues.machine.cpus) if known and known.quota else None
    if known is None or known.quota is None or most is None:
        return "and a cloud's quota of tracked connections"
    return f"{known.title}'s quota of {most:,} connections ({known.quota.what}; noted {known.quota.noted})"


def _by_word(clues: Clues) -> Cause | None:
    """Return it as possible where connect() is said to have timed out, and no socket shows it any more."""
    if not clues.met("ETIMEDOUT", calls=("connect",)) and not clues.hits(RULE.kind):
        return None
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        log="ETIMEDOUT from connect() after about two minutes",
        fixes=(Fix(_PLACES.format(quota=_quota(clues))),),
        confirm="`sudo hosttune diagnose --for 10s` while it stalls: it counts the SYNs without an answer",
        strength=15,
    )
