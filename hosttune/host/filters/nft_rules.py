"""An nftables rule, from its expressions to what it does with the first packet of a TCP connection.

include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_tables_core.c.
"""

from __future__ import annotations

from collections.abc import Callable

from hosttune.host import netlink
from hosttune.host.filters import nft_acts, nft_choices, nft_loads, ways
from hosttune.host.filters.conditions import anything
from hosttune.host.filters.netlink_tables import FAMILIES, Chain, Rule, listed, nested, text
from hosttune.host.filters.nft_state import MOST_WAYS, Sets, State, doubt
from hosttune.host.filters.ways import Way

_SILENT = ("counter", "log", "last", "dup", "fwd", "objref", "flow_offload")
_ENDING = {"reject": ways.REJECT, "redir": ways.ACCEPT, "queue": ways.QUEUE, "synproxy": ways.DROP}
_STEPS: dict[str, Callable[[State, dict[int, bytes]], list[State]]] = {
    "immediate": nft_acts.immediate,
    "meta": nft_loads.meta,
    "payload": nft_loads.payload,
    "bitwise": nft_loads.bitwise,
    "byteorder": nft_loads.byteorder,
    "cmp": nft_loads.cmp,
    "range": nft_loads.range_,
    "lookup": nft_choices.lookup,
    "numgen": nft_choices.numgen,
    "hash": nft_choices.hash_,
    "ct": nft_loads.ct,
    "connlimit": nft_acts.connlimit,
    "dynset": nft_acts.dynset,
    "nat": nft_acts.nat,
    "masq": nft_acts.masq,
    "match": nft_acts.match_,
    "target": nft_acts.target,
    "notrack": nft_acts.notrack,
}


def ways_of(sets: Sets, chain: Chain, rule: Rule) -> list[Way]:
    """Return the ways of a rule that a TCP connection's first packet may take; raises OSError."""
    family = FAMILIES[chain.key[0]]
    states = [State(Way(anything(family if family in ("ip", "ip6") else "")), chain, sets)]
    fields = netlink.attributes(rule.data, rule.start, rule.end)
    for raw in listed(fields.get(4, b"")):
        expression = nested(raw)
        name, body = text(expression.get(1, b"")), nested(expression.get(2, b""))
        step = _STEPS.get(name)
        after: list[State] = []
        for state in states:
            after += step(state, body) if step else _other(state, name)
        if not after:
            return []
        states = after[:MOST_WAYS]
        if len(after) > MOST_WAYS:
            doubt(states[-1], f"{len(after) - MOST_WAYS} more elements of a map")
    return [state.way for state in states]


def handle(rule: Rule) -> int:
    """Return the handle of a rule, by which `nft -a list` names it."""
    return int.from_bytes(netlink.attributes(rule.data, rule.start, rule.end).get(3, b""))


def _other(state: State, name: str) -> list[State]:
    """Have an expression that is not understood: one that ends the way, or decides by what is not known."""
    if name in _ENDING:
        state.way.verdict = _ENDING[name]
    elif name not in _SILENT:
        doubt(state, name)
    return [state]
