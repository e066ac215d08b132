"""Conntrack: entries of the connections that are open, and of those closed within the last minutes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hosttune import kernel
from hosttune.capacity import closing, tracking
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.saying import INT
from hosttune.model import Bound, Reason, Remedy, Unknown
from hosttune.model.filtering import Ruleset

_KEY = "net.netfilter.nf_conntrack_max"
_SHOWN = 2
_STEP = 1024
"""Entries of others come and go: what is asked for them goes by steps, so that a next look asks for no more."""


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of the table where this namespace tracks connections of the role, or may."""
    takes = tracking.entries(facts)
    each = takes if isinstance(takes, Unknown) else takes.each
    limit = facts.integer(_KEY)
    if each == 0 or limit is None or (isinstance(each, Unknown) and not isinstance(limit, int)):
        return ()
    # a proxied connection is one on each side of the proxy
    load = facts.workload
    sides = load.entries_each if isinstance(each, Unknown) else each
    least, greatest = tracking.own(facts)
    count, kept = facts.tracked or 0, kept_for(facts)
    hard: int | Unknown | None = limit
    most = None
    if limit == 0:
        # nf_conntrack_core.c tests the maximum only where it is not zero
        hard = None
    elif isinstance(limit, int):
        hard, most = (
            closing.most(load, max(limit - (count - own), 0), Fraction(sides), kept) for own in (least, greatest)
        )
        if isinstance(each, Unknown):
            hard, most = Unknown(Reason.UNDECIDED, f"{hard:,} if they are tracked: {each.detail}"), None
    others = count - least
    closed = closing.kept(load, load.connections, kept, Fraction(sides))
    least_that_does = load.connections * sides + closed + others
    want = load.connections * sides + closed + -(-others // _STEP) * _STEP
    # the sysctl takes an int; beyond it only not to track is left
    setting = f", or nf_conntrack_max={want:,}" if want <= INT else ""
    need = Remedy(f"sysctl:{_KEY}", least_that_does, want, "entries", f"no tracking of the port{setting}")
    return (
        Bound(
            kind="conntrack",
            name="conntrack",
            hard=hard,
            used=count // sides if facts.tracked is not None else None,
            reads=f"{_KEY} less {others:,} entries of others and {closed:,} of closed connections",
            fails="no errno: SYNs are dropped, the client stays in SYN_SENT",
            remedies=(need,) if facts.short(hard) else (),
            notes=tuple(_notes(facts, limit, greatest - least)),
            log="nf_conntrack: table full, dropping packet",
            counter="/proc/net/stat/nf_conntrack: drop",
            most=None if most == hard else most,
        ),
    )


def _notes(facts: CapacityFacts, limit: int | Unknown, untold: int) -> Iterator[str]:
    """Yield what the number does not say: whose the entries are, why they are there, and who counts them too."""
    rules = facts.ruleset
    if isinstance(rules, Ruleset) and rules.tracking and facts.machine.conntrack is True:
        # a rule is named with each word of it that tracks: "ip f o handle 2, ct"
        names = list(dict.fromkeys(where.rpartition(", ")[0] or where for where in rules.tracking))
        rest = len(names) - _SHOWN
        more = f", and {rest:,} more" if rest > 0 else ""
        yield f"connections are tracked because of the rule {', '.join(names[:_SHOWN])}{more}"
    if untold:
        named = "--pid" if facts.workload.entries_each > facts.workload.tuples_per_connection else "--backend"
        yield f"{untold:,} of the entries may be the role's own, or of others: {named} tells them apart"
    if facts.machine.network_namespace == "another" and isinstance(limit, int) and limit:
        yield (
            f"a host that forwards for this namespace has an entry of each of them too: its limit is {limit:,} as"
            " well, and how full its table is is not visible from here"
        )


def kept_for(facts: CapacityFacts) -> int:
    """Return the milliseconds that the entry of a closed connection stays: the table has a TIME_WAIT of its own."""
    seconds = facts.integer("net.netfilter.nf_conntrack_tcp_timeout_time_wait")
    return (seconds if isinstance(seconds, int) else kernel.CONNTRACK_TIME_WAIT) * 1000
