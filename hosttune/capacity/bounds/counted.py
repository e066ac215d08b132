"""Rules that let so many connections be and refuse more (ct count, connlimit).

`ct count over 60` carries 60, and refuses the next: net/netfilter/nft_connlimit.c, xt_connlimit.c, nf_conncount.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hosttune.capacity import nat_pools, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, PortPool, Reason, Remedy, Unknown
from hosttune.model.filtering import CountRule, Hook, Packet, Ruleset
from hosttune.model.packets import met

_FAILS = {
    "drop": "no errno: the SYN is dropped, the client stays in SYN_SENT",
    "reject": "connect: ECONNREFUSED (111)",
}
_OUT = (Hook.OUTPUT, Hook.POSTROUTING)
_IN = (Hook.PREROUTING, Hook.INPUT)
_THROUGH = (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING)


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of each rule that counts connections of the role: those that it opens, takes or passes on."""
    if not isinstance(facts.ruleset, Ruleset):
        return ()  # bounds/nat.py says what could not be read
    return tuple(bound for rule in facts.ruleset.counts for bound in _of_rule(facts, rule))


def _of_rule(facts: CapacityFacts, rule: CountRule) -> Iterator[Bound]:
    load = facts.workload
    if load.forwards:
        if rule.hook in _THROUGH:
            yield from _passed(facts, rule)
        return
    if load.tuples_per_connection and rule.hook in _OUT:
        yield from _opened(facts, rule)
    if load.sockets_per_connection > load.tuples_per_connection and rule.hook in _IN:
        yield from _taken(facts, rule)


def _opened(facts: CapacityFacts, rule: CountRule) -> Iterator[Bound]:
    """Yield the bound of connections to the backends: those that meet the rule share its number."""
    if not facts.pools:
        if met(rule.matching, Packet(enters="")) is not False:
            yield _unknown(rule, "which backends match it: none was given (--backend)")
        return
    answers = [(pool, met(rule.matching, nat_pools.packet(facts, pool))) for pool in facts.pools]
    counted = [pool for pool, answer in answers if answer]
    if counted:
        share = _share(facts, counted)
        yield _bound(facts, rule, share * facts.workload.tuples_per_connection, counted)
    elif any(answer is None for _, answer in answers):
        yield _unknown(rule, _untold(rule))


def _taken(facts: CapacityFacts, rule: CountRule) -> Iterator[Bound]:
    """Yield the bound of connections that are accepted, where the ports that the program listens on meet the rule."""
    listeners = facts.process.listeners if facts.process else ()
    packets = [Packet(port=listener.port, leaves="") for listener in listeners] or [Packet(leaves="")]
    answers = [met(rule.matching, packet) for packet in packets]
    if any(answers):
        yield _bound(facts, rule, Fraction(1), ())
    elif None in answers and (rule.matching.ports or not listeners):
        why = "which ports the program listens on: name it with --pid" if not listeners else _untold(rule)
        yield _unknown(rule, why)
    elif None in answers:
        yield _unknown(rule, _untold(rule))


def _passed(facts: CapacityFacts, rule: CountRule) -> Iterator[Bound]:
    """Yield the bound of connections that the host passes on to the backends."""
    goals = facts.workload.backends
    blank = [Packet(destination=g.address, port=g.port, leaves=facts.egress.get(str(g))) for g in goals]
    answers = [met(rule.matching, packet) for packet in blank or [Packet()]]
    if any(answers):
        yield _bound(facts, rule, Fraction(sum(map(bool, answers)), len(answers)), ())
    elif None in answers:
        yield _unknown(rule, _untold(rule))


def _share(facts: CapacityFacts, counted: list[PortPool]) -> Fraction:
    """Return the part of all connections that meets a rule, as they are shared out now."""
    goals = {(pool.backend.address, pool.backend.port) for pool in counted}
    share = Fraction(0)
    for group in tuples.now(facts):
        its = [(pool.backend.address, pool.backend.port) for pool in group.pools]
        share += group.part * Fraction(sum(goal in goals for goal in its), len(its))
    return min(share, Fraction(1)) or Fraction(1)


def _bound(facts: CapacityFacts, rule: CountRule, share: Fraction, counted: list[PortPool] | tuple[()]) -> Bound:
    apart = _apart(rule, counted)
    surely, maybe = _beside(facts, rule) if counted else (0, 0)
    hard: int | Unknown | None = None
    if apart is not None:
        hard = int(max(rule.over * apart - surely - maybe, 0) / share)
    notes = ["all connections that meet the rule are counted together, those of other programs too"]
    if surely or maybe:
        least = f"{surely:,} to {surely + maybe:,}" if maybe else f"{surely:,}"
        notes.append(f"{least} of them are open connections from other sources")
    if rule.by:
        notes = [f"each {rule.by.replace('/', ' of /')} may have {rule.over:,}"]
    if hard is None:
        notes.append("how many of them there are is not known")
    want = -(-facts.workload.connections * share.numerator // (share.denominator * (apart or 1)))
    text = f"{want:,} instead of {rule.over:,} in the rule {rule.where}"
    return Bound(
        kind="ct-count",
        name=f"count of the rule {rule.where}",
        hard=hard,
        used=int(sum(pool.established for pool in counted) / share) if counted else None,
        reads=f"{rule.where}: over {rule.over:,}",
        fails=_FAILS[rule.refuses],
        remedies=(Remedy(f"rule:{rule.where}", want, None, "connections", text),) if facts.short(hard) else (),
        notes=tuple(notes),
        counter=f"a `counter` in {rule.where} (nft list ruleset, iptables -vnL)",
        of=rule.where,
        most=int(max(rule.over - surely, 0) / share) if maybe else None,
    )


def _beside(facts: CapacityFacts, rule: CountRule) -> tuple[int, int]:
    """Return how many open connections of other sources a rule counts, and how many it may, towards the backends."""
    if rule.by:
        return 0, 0
    answers = [(count, met(rule.matching, packet)) for packet, count in facts.beside.items()]
    sure = sum(count for count, answer in answers if answer)
    return sure, sum(count for count, answer in answers if answer is None)


def _apart(rule: CountRule, counted: list[PortPool] | tuple[()]) -> int | None:
    """Return how many are counted apart from each other, None where that is not known."""
    if not rule.by:
        return 1
    whole = {"source": {pool.source for pool in counted}, "destination": {pool.backend.address for pool in counted}}
    return len(whole.get(rule.by, ())) or None


def _untold(rule: CountRule) -> str:
    return "; ".join(rule.matching.unknown[:2]) or "whether the role's connections meet it"


def _unknown(rule: CountRule, why: str) -> Bound:
    text = f"{rule.over:,} if {rule.where} applies, which is not known: {why}"
    return Bound(
        kind="ct-count",
        name=f"count of the rule {rule.where}",
        hard=Unknown(Reason.UNDECIDED, text),
        reads=f"{rule.where}: over {rule.over:,}",
        fails=_FAILS[rule.refuses],
        of=rule.where,
    )
