"""How many source addresses a workload takes, which could be added, and what to type for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hosttune.model import EgressInterface, More, SourcePlan
from hosttune.model.document import Block, Commands, Document, Pairs, Paragraph, paragraphs
from hosttune.render import folding, sources

SCHEMA = "hosttune/sources-plan/1"
_RANGES = 4
_ROWS = 40


def document(plan: SourcePlan, verbose: bool) -> Document:
    """Return it."""
    low, high = plan.range_now
    widest = ""
    if plan.range_widest != plan.range_now:
        widest = f"; the widest is {plan.range_widest[0]} {plan.range_widest[1]}"
    room = f", {plan.headroom:.0%} of the ports kept free: {plan.wanted:,}" if plan.headroom else ""
    first = f"{plan.connections:,} connections{room}, bind mode {plan.mode.value}, ports {low} {high}{widest}"
    blocks: tuple[Block, ...] = (
        Paragraph(first),
        *(block for outlet in plan.egress_interfaces for block in _outlet(plan, outlet)),
        *_cloud(plan),
        *_anyip(plan),
        *paragraphs(folding.texts(plan.notes), label="note", gap=True),
    )
    if plan.next:
        order = "next" if len(plan.next) == 1 else "next, in this order"
        blocks += (Commands(order, tuple(f"  {line}" for line in plan.next), gap=True, spread=True),)
    elif plan.carried:
        blocks += (Paragraph("nothing, the addresses are there", "next", gap=True),)
    return Document(f"{plan.machine.hostname or 'host'}: source addresses", (), blocks)


def _outlet(plan: SourcePlan, outlet: EgressInterface) -> Iterator[Block]:
    backends = len({str(pool.backend) for pool in outlet.pools})
    via = f", by the gateway {outlet.via}" if outlet.via else ""
    share = f": {outlet.connections:,} connections" if len(plan.egress_interfaces) > 1 else ""
    yield Paragraph(f"{outlet.interface} leads to {backends:,} backend{'s' * (backends != 1)}{via}{share}", gap=True)
    yield Paragraph(_have(outlet), depth=1)
    yield Pairs(tuple(_pools(outlet)), gap=False)
    yield Paragraph(f"with the ports of now   {_takes(outlet, outlet.now)}", depth=1)
    if plan.range_widest != plan.range_now:
        yield Paragraph(f"with the widest range   {_takes(outlet, outlet.widest)}", depth=1)
    yield from paragraphs(_free(outlet), depth=1)


def _have(outlet: EgressInterface) -> str:
    count = len(outlet.have)
    more = f" and {count - _RANGES:,} more" if count > _RANGES else ""
    return f"{count:,} source address{'es' * (count != 1)} here: {', '.join(outlet.have[:_RANGES])}{more}"


def _pools(outlet: EgressInterface) -> Iterator[tuple[str, str]]:
    """Yield how full the pools of each backend are, together over its sources."""
    totals: dict[str, list[int]] = {}
    for pool in outlet.pools:
        row = totals.setdefault(str(pool.backend), [0, 0, 0])
        row[0] += pool.used
        row[1] += max(pool.usable, pool.established + pool.free)
        row[2] += pool.knee or 0
    alike: dict[tuple[int, int], dict[str, int]] = {}
    for name, (used, room, knee) in totals.items():
        alike.setdefault((room, knee), {})[name] = used
    rows = list(_rows(alike))
    yield from rows[:_ROWS]
    if rows[_ROWS:]:
        yield "", f"... and {len(rows) - _ROWS:,} more rows (--format json)"


def _rows(alike: Mapping[tuple[int, int], Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    """Yield a row for each backend; for those that differ in what is in use alone one, where they are many."""
    for (room, knee), used in alike.items():
        slow = f", slow above {knee:,}" if knee else ""
        if len(used) >= folding.LEAST:
            share = f"{100 * max(used.values()) / room:.0f} % at most" if room else "no port"
            numbers = folding.spread(used.values())
            yield f"{len(used):,} backends", f"each {numbers} of {room:,} ports in use ({share}){slow}"
            continue
        for name, taken in used.items():
            percent = f"{100 * taken / room:.0f} %" if room else "no port"
            yield name, f"{taken:,} of {room:,} ports in use ({percent}){slow}"


def _takes(outlet: EgressInterface, more: More) -> str:
    """Return how many addresses it takes; those that are there are among the sums."""
    have = len(outlet.have)
    if more.hard is None:
        return "no number of addresses is enough: no port is usable"
    if more.hard == 0 and (more.knee in (0, None)):
        return "enough" + (", without slow port searches" if more.knee == 0 else "")
    hard = f"{more.hard:,} more ({have + more.hard:,} in all)" if more.hard else "enough"
    if more.knee is None:
        return hard
    return f"{hard}; {more.knee:,} more ({have + more.knee:,} in all) to avoid slow port searches"


def _free(outlet: EgressInterface) -> Iterator[str]:
    target = outlet.needed.best or 0
    if outlet.own:
        way = "every address of 127.0.0.0/8 can be bound, nothing is to be added"
        if outlet.version == 6:
            way = "addresses can be added to lo, as ADDRESS/128@lo"
        every = len(outlet.have) + target
        bind = f"; bind to {every:,} of them" if every > len(outlet.have) and outlet.version == 4 else ""
        yield f"the backends are on this host: {way}{bind}"
        return
    if not outlet.subnet:
        why = f"{outlet.source} has no subnet on {outlet.interface}: which addresses are free is not seen from here"
        yield f"{why}; ask who runs the network, and add them as ADDRESS/{32 if outlet.version == 4 else 128}"
        return
    shown = ", ".join(outlet.ranges[:_RANGES])
    more = f" and {len(outlet.ranges) - _RANGES:,} more ranges" if len(outlet.ranges) > _RANGES else ""
    free = f"{outlet.free:,}" if outlet.free < 10**15 else "very many"
    yield f"{free} addresses of {outlet.subnet} seem free: {shown or 'none'}{more}"
    if outlet.free < target:
        yield f"too few: {target:,} are needed"
    if target:
        yield (
            "free means that nobody was seen there: `sources add` asks the link first; a DHCP server may give them "
            "away later, so take them out of its range"
        )


def _cloud(plan: SourcePlan) -> Iterator[Block]:
    row = plan.cloud
    if row is not None:
        limit = f"{row.limit} ({row.source})"
        yield Commands(f"{row.name} asks first for {row.what}", (f"  {row.command}", limit), gap=True, spread=True)
    elif plan.elsewhere:
        sentence = f"{plan.elsewhere}: whether it forwards packets of further private addresses is unknown"
        yield Paragraph(f"{sentence}; ask it before you add any", gap=True)


def _anyip(plan: SourcePlan) -> Iterator[Block]:
    for number, prefix in enumerate(plan.local):
        sentence = f"every address of {prefix} can be bound; not counted above"
        yield Paragraph(sentence, "local already", gap=not number)
    outlet = next((o for o in plan.egress_interfaces if o.version == 4 and not o.own), None)
    if not plan.anyip or outlet is None:
        return
    lines = [f"  sudo hosttune sources add --anyip {plan.anyip}"]
    if outlet.via:
        route = f"{plan.anyip} via {outlet.source}"
        lines.append(f"the backends answer through their router, which needs the route: {route}")
    else:
        sentence, command = sources.return_route(plan.anyip, outlet.source)
        lines += [sentence, f"  {command}"]
    if plan.machine.cloud:
        lines.append(f"the network of {plan.machine.cloud} must route the prefix to this machine too")
    what = "or a whole prefix that nothing else uses, without an address for each (AnyIP)"
    yield Commands(f"{what}; {plan.anyip} meets no subnet of this host", tuple(lines), gap=True, spread=True)
