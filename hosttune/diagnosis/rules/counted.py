"""A rule of this host lets so many connections be, and refuses more (nft `ct count`, iptables connlimit).

net/netfilter/nft_connlimit.c, xt_connlimit.c, nf_conncount.c: `over 60` carries 60, and nothing counts what it refuses
but a `counter` of the rule itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, Flow, Unknown
from hosttune.model.filtering import CountRule, Hook, Packet
from hosttune.model.packets import met

RULE = Rule(
    __name__,
    "a rule of this host counts connections, and lets no more be",
    errnos=("ETIMEDOUT", "ECONNREFUSED", "none"),
    log="no error at first, then ETIMEDOUT; ECONNREFUSED where the rule rejects",
    confirm="a `counter` in the rule: `nft list ruleset`, or `iptables -vnL`; does it rise?",
    strength=75,
    rivals=("outside", "nat", "conntrack"),
)
_MOST = 3
_WHERE = "nft list ruleset, iptables -S"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return each rule whose number is reached; why none is, else."""
    rules = clues.ruleset
    if rules is None:
        return (RULE.excluded("nothing tracks connections here, so nothing counts them"),)
    if isinstance(rules, Unknown):
        return (RULE.unknown(f"the rules of the packet filter: {rules}", RULE.confirm),)
    if not rules.counts:
        return (RULE.excluded("no rule of this host counts connections", _WHERE),)
    causes = [cause for rule in rules.counts for cause in _met(clues, rule)]
    if causes:
        return tuple(causes[:_MOST])
    numbers = ", ".join(f"{rule.where} at {rule.over:,}" for rule in rules.counts[:_MOST])
    return (RULE.excluded(f"rules count connections, and none is seen to be at its number: {numbers}", _WHERE),)


def _met(clues: Clues, rule: CountRule) -> Iterator[Cause]:
    """Yield a cause where the connections that meet a rule are as many as it carries."""
    if rule.by or rule.hook not in (Hook.OUTPUT, Hook.POSTROUTING):
        return
    answers = [(flow, met(rule.matching, _packet(flow))) for flow in clues.flows]
    flows = [flow for flow, answer in answers if answer]
    carried, waiting = sum(flow.established for flow in flows), sum(flow.opening for flow in flows)
    if not flows or carried < rule.over:
        return
    names = sorted({str(Backend(flow.address, flow.port)) for flow in flows})
    goals = ", ".join(names[:2]) + (f" and {len(names) - 2:,} more" if len(names) > 2 else "")
    stuck = f", and {waiting:,} SYN{'s wait' if waiting > 1 else ' waits'} for an answer" if waiting else ""
    word = f"ct count over {rule.over:,}"
    yield RULE.cause(
        clues,
        Certainty.CERTAIN if waiting or clues.stalled_at else Certainty.LIKELY,
        Evidence(f"{carried:,} connections to {goals}{stuck}", "sock_diag"),
        Evidence(f"the rule {rule.where} has `{word} {rule.refuses}`", _WHERE),
        saying.moved(clues, "TcpExt.TCPSynRetrans", "/proc/net/netstat"),
        at=rule.over,
        what=f"the rule {rule.where} of this host counts connections, and lets no more be",
        fixes=(
            Fix(f"a greater number in the rule {rule.where}, or none; more destinations, if it is not for all of them"),
        ),
    )


def _packet(flow: Flow) -> Packet:
    return Packet(source=flow.source, destination=flow.address, port=flow.port, enters="")
