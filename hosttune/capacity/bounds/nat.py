"""Source NAT: ports of the address that connections leave with, towards each destination (net/netfilter/nf_nat_core.c).

What finds no free port is not refused: its SYN is dropped, without an errno, and the client sends it again.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from hosttune import releases
from hosttune.addresses import is_loopback
from hosttune.capacity import closing, nat_pools, sharing, translation
from hosttune.capacity.bounds import conntrack
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.nat_pools import Narrowed
from hosttune.capacity.sharing import Group
from hosttune.model import Backend, BindMode, Bound, PortPool, Reason, Remedy, Scope, Unknown
from hosttune.model.filtering import Packet, Ruleset, Translated, Translation

FAILS = "no errno: the SYN is dropped, the client stays in SYN_SENT"
COUNTER = "/proc/net/stat/nf_conntrack: insert_failed, drop"
_MOST_PORTS = translation.FREE[1] - translation.FREE[0] + 1


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of each backend whose connections are given another address; one where that cannot be told."""
    if not (facts.workload.forwards or facts.workload.tuples_per_connection):
        return ()
    if isinstance(facts.ruleset, Unknown):
        return _unread(facts, facts.ruleset)
    if facts.ruleset is None or not facts.ruleset.translations:
        return ()
    if facts.workload.forwards:
        return tuple(_forwarded(facts, facts.ruleset))
    return tuple(_own(facts)) if facts.pools else _unnamed(facts, facts.ruleset)


def _unread(facts: CapacityFacts, why: Unknown) -> tuple[Bound, ...]:
    """Return the one bound that says so, where connections are tracked, or may be: nothing else is translated."""
    goals = facts.workload.backends
    if facts.machine.conntrack is False or (goals and all(is_loopback(goal.address) for goal in goals)):
        return ()
    return (Bound(kind="nat", name="source NAT", hard=why, reads="nftables, iptables", fails=FAILS, counter=COUNTER),)


def _unnamed(facts: CapacityFacts, ruleset: Ruleset) -> tuple[Bound, ...]:
    """Return the narrowest rule where no backend was named: whether it applies is not known before one is."""
    blank = Packet(enters="", mark=facts.workload.caller.mark, uid=facts.workload.caller.uid)
    rules = [outcome.rule for outcome in translation.outcomes(ruleset, blank) if outcome.rule and outcome.rule.ports]
    if not rules:
        return ()
    rule = min(rules, key=translation.ports)
    text = f"{translation.ports(rule):,} where {rule.where} applies: give the backends (--backend) to know where"
    hard = Unknown(Reason.UNDECIDED, text)
    return (Bound("nat", "source NAT", hard, reads=rule.where, fails=FAILS, counter=COUNTER, scope=Scope.POOL),)


def _own(facts: CapacityFacts) -> Iterator[Bound]:
    """Yield the bound of each backend, or section, of which a rule narrows a pool."""
    if not nat_pools.narrows(facts):
        return
    least, most = nat_pools.least(facts), nat_pools.most(facts)
    by_pool = {id(each.pool): each for each in least}
    pairs = zip(
        sharing.groups(facts, [each.pool for each in least]),
        sharing.groups(facts, [each.pool for each in most]),
        strict=True,
    )
    for group, widest in pairs:
        narrowed = [each for pool in group.pools if (each := by_pool[id(pool)]).rule]
        if narrowed and not group.limited:
            yield _of_group(facts, group, widest, narrowed)
            yield from _closing(facts, group)


def _of_group(facts: CapacityFacts, group: Group, widest: Group, narrowed: Sequence[Narrowed]) -> Bound:
    hard, most = (group.of_section(_carries(facts, g, g.fills)) for g in (group, widest))
    calm = group.of_section(_carries(facts, group, group.knee or 0))
    rules = {each.rule.where: each.rule for each in narrowed if each.rule}
    first = next(iter(rules.values()))
    others = sum(each.others for each in narrowed)
    whole = {(each.rule.where, each.address): translation.ports(each.rule) for each in narrowed if each.rule}
    notes = [
        *dict.fromkeys(each.why for each in narrowed if each.why),
        *_losses(hard, calm),
        *(("who else uses its ports now is not known",) if isinstance(facts.translated, Unknown) else ()),
        *(
            (f"{others:,} of its ports are those of other connections: forwarded ones, or from other sources",)
            if others
            else ()
        ),
        *((f"{float(100 * group.part):.3g} % of the connections go here",) if group.part != 1 else ()),
    ]
    name = group.of or group.name
    addresses = ", ".join(sorted({each.address for each in narrowed if each.address})) or "the interface's address"
    return Bound(
        kind="nat",
        name=f"source NAT {name}".rstrip(),
        hard=hard,
        knee=calm if calm < hard else None,
        used=_used(facts, group, narrowed),
        reads=f"{', '.join(rules)}: {sum(whole.values()):,} ports of {addresses}",
        fails=FAILS,
        remedies=(_remedy(facts, first, _wanted(facts, group)),) if facts.short(hard) else (),
        notes=tuple(notes),
        counter=COUNTER,
        scope=group.scope,
        of=name,
        most=most if most > hard else None,
    )


def _closing(facts: CapacityFacts, group: Group) -> Iterator[Bound]:
    """Yield the rate at which ports come back, where those of closed connections are kept."""
    kept, load = _kept(facts), facts.workload
    if not kept:
        return
    rate = int(Fraction(group.fills * 1000, kept * max(load.tuples_per_connection, 1)) / group.part)
    ending = closing.rate(load, load.connections)
    notes = [f"a closed connection keeps its port of NAT for {kept / 1000:g} s"]
    if ending <= rate:
        notes.append(f"{rate:,} connections/s if they end; {float(ending):,.0f}/s do")
    name = group.of or group.name
    yield Bound(
        kind="nat-churn",
        name=f"ports of NAT that closed connections keep, {name}",
        hard=rate if ending > rate else None,
        reads="net.netfilter.nf_conntrack_tcp_timeout_time_wait",
        fails=FAILS,
        notes=tuple(notes),
        counter=COUNTER,
        unit="connections/s",
        scope=group.scope,
        of=name,
    )


def _losses(hard: int, calm: int) -> tuple[str, ...]:
    """Return what happens before the last port is taken, if anything does."""
    if calm >= hard:
        return ()
    return (
        f"above about {calm:,} some SYNs are lost and retransmitted after 1 s: the search for a free port gives "
        f"up before it has seen all; {hard:,} connect in the end",
    )


def _carries(facts: CapacityFacts, group: Group, ports: int) -> int:
    """Return the connections, over all groups, at which so many ports of this one are open or kept."""
    part = max(facts.workload.tuples_per_connection, 1) * group.part
    return closing.most(facts.workload, ports, part, _kept(facts))


def _kept(facts: CapacityFacts) -> int:
    """Return for how many milliseconds a closed connection keeps its port."""
    since = next(change for change in releases.CHANGES if change.name == "nat-time-wait")
    return conntrack.kept_for(facts) if releases.holds(since, facts.machine.kernel) is False else 0


def _wanted(facts: CapacityFacts, group: Group) -> int:
    """Return the ports that a group needs for the workload."""
    load = facts.workload
    per = max(load.tuples_per_connection, 1)
    open_ = math.ceil(group.fed(load.connections) * per)
    return open_ + closing.kept(load, load.connections, _kept(facts), per * group.part)


def _remedy(facts: CapacityFacts, rule: Translation, want: int) -> Remedy:
    """Return what the rule must give: ports of one address, or more addresses; `comfortable` loses no SYN."""
    calm = want
    while translation.first_loss(calm)[0] < want and calm <= _MOST_PORTS:
        calm += max(want - translation.first_loss(calm)[0], 1)
    if calm <= _MOST_PORTS and rule.ports:
        aside = f" ({calm:,} lose no SYN)" if calm != want else ""
        return Remedy(f"nat:{rule.where}", want, calm, "ports", f"{want:,} ports{aside} in the rule {rule.where}")
    addresses = -(-want // translation.first_loss(_MOST_PORTS)[0])
    text = f"no range of ports in the rule {rule.where}"
    if addresses > 1:
        text = f"snat to {addresses:,} addresses, without a range of ports, in the rule {rule.where}"
    return Remedy(f"nat:{rule.where}", addresses, None, "addresses of NAT", text)


def _used(facts: CapacityFacts, group: Group, narrowed: Sequence[Narrowed]) -> int | None:
    """Return the connections of all backends at which these ports are as full as they are now."""
    if isinstance(facts.translated, Unknown):
        return None
    rows: dict[tuple[str, Translated], int] = {}
    for each in narrowed:
        if each.rule is None:
            continue
        for row in nat_pools.rows(facts, each.rule, each.pool):
            mine = row.open if facts.workload.forwards else row.own
            rows[each.rule.where, row] = translation.taken(each.rule, mine)
    taken = sum(rows.values())
    return int(taken / group.part / max(facts.workload.tuples_per_connection, 1))


def _forwarded(facts: CapacityFacts, ruleset: Ruleset) -> Iterator[Bound]:
    """Yield for each rule, and each backend, what the connections that it translates have: who they are is not known.

    Without a backend the ports are those towards any one destination.
    """
    goals = facts.workload.backends or (Backend("", 0),)
    by_rule: dict[str, tuple[Translation, list[PortPool]]] = {}
    for goal in goals:
        blank = Packet(destination=goal.address or None, port=goal.port or None, leaves=facts.egress.get(str(goal)))
        for outcome in translation.outcomes(ruleset, blank):
            if outcome.rule and not outcome.rule.one_to_one:
                by_rule.setdefault(outcome.rule.where, (outcome.rule, []))[1].append(_pool(outcome.rule, goal))
    for rule, pools in by_rule.values():
        for group in sharing.groups(dataclasses.replace(facts, configuration=None), pools):
            share = dataclasses.replace(group, part=Fraction(len(group.pools), len(goals)))
            bound = _of_group(facts, share, share, [Narrowed(group.pools[0], rule)])
            yield _of_rule(bound, rule, bool(facts.workload.backends), several=len(by_rule) > 1)


def _of_rule(bound: Bound, rule: Translation, named: bool, several: bool) -> Bound:
    """Return the bound of one rule of a host that forwards, of which others may translate other connections.

    `named`: it is towards a backend, not just any destination.
    """
    addresses = translation.count(rule)
    notes = bound.notes
    if addresses > 1:
        notes = (
            *notes,
            f"each client is given one of its {addresses:,} addresses towards a destination, by a hash of both",
        )
    most = bound.hard * addresses if isinstance(bound.hard, int) and addresses > 1 else None
    of = " ".join(part for part in (bound.of if named else "", rule.where if several else "") if part)
    scope = bound.scope if named else Scope.POOL
    where = bound.name if named else "source NAT, one destination from one address"
    name = f"{where} by {rule.where}" if several else where
    return dataclasses.replace(bound, name=name, notes=notes, most=most, of=of, scope=scope)


def _pool(rule: Translation, goal: Backend) -> PortPool:
    """Return the ports of one address of a rule towards a destination, all of them free."""
    ports = translation.ports(rule)
    return PortPool(
        source="",
        backend=goal,
        mode=BindMode.CONNECT,
        low=(rule.ports or translation.FREE)[0],
        high=(rule.ports or translation.FREE)[1],
        in_range=ports,
        reserved=0,
        blocked=0,
        usable=ports,
        established=0,
        time_wait=0,
        other=0,
        free=ports,
        free_most=ports,
        knee=translation.first_loss(ports)[0],
    )
