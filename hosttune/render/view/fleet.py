"""Reports of real hosts held against a plan: what the whole would reach today, which hosts are not ready and why."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune import printable
from hosttune.model import Fleet, FleetTier, HostState
from hosttune.model.document import Block, Callout, Column, Commands, Document, Paragraph, Row, Table, paragraphs
from hosttune.model.drawings import Bar, Bars
from hosttune.model.roles import Role
from hosttune.render import sizing_words as words
from hosttune.render.figures import counted

SCHEMA = "hosttune/fleet/1"
_HOSTS = 12
_NAMES = 20
_FILES = 6
_PROBLEMS = 3
_COLUMNS = (
    Column("tier", most=12),
    Column("ready", right=True),
    Column("target", right=True),
    Column("evenly", right=True),
    Column("together", right=True),
    Column("weakest", cut=True),
)
_EACH = (
    Column("state"),
    Column("host"),
    Column("tier"),
    Column("stops at", right=True),
    Column("target", right=True),
    Column("of target", right=True),
    Column("first limit"),
    Column("failed", right=True),
    Column("drift", right=True),
    Column("what is not ready"),
)


def document(fleet: Fleet, verbose: bool) -> Document:
    """Return it; of hosts that are alike the first ones are named, with `verbose` all."""
    about = (*words.about(fleet.sizing), f"{counted(fleet.read, 'report')} read")
    blocks: tuple[Block, ...] = (
        _answer(fleet),
        Table(_COLUMNS, tuple(map(_tier, fleet.tiers)), "Tiers"),
        Paragraph("evenly: limit with the same load on each host; together: with each host filled"),
        *paragraphs(
            f"{tier.tier}: {counted(tier.found, 'host')} reported, the plan has {tier.wanted:,}"
            for tier in fleet.tiers
            if tier.found != tier.wanted
        ),
        *_bars(fleet),
        *_hosts(fleet),
        *_waiting(fleet, verbose),
        *_lists(fleet, verbose),
        *_next(fleet),
    )
    return Document(f"{fleet.sizing.topology.name}: its hosts", about, blocks)


def _answer(fleet: Fleet) -> Callout:
    target = fleet.sizing.topology.connections
    ready, hosts = sum(tier.ready for tier in fleet.tiers), sum(tier.wanted for tier in fleet.tiers)
    state = f"{ready:,} of {counted(hosts, 'host')} {'is' if hosts == 1 else 'are'} ready"
    if fleet.reaches is None:
        # a host that is not known can only make it less
        most = min((tier.evenly for tier in fleet.tiers if tier.evenly is not None), default=None)
        at_most = f", and is {most:,} at the most" if most is not None else ""
        why = f": {fleet.narrowest}" if fleet.narrowest and most is not None else ""
        return Callout(f"UNKNOWN what it reaches today{at_most}{why}", (state,), Role.UNKNOWN)
    narrow = f": {fleet.narrowest}" if fleet.narrowest else ""
    if fleet.reaches < target:
        return Callout(
            f"NOT READY for {target:,} connections: limit today {fleet.reaches:,}{narrow}", (state,), Role.BAD
        )
    return Callout(f"READY for {target:,} connections: limit today {fleet.reaches:,}{narrow}", (state,))


def _tier(tier: FleetTier) -> Row:
    reach = ("?" if number is None else f"{number:,}" for number in (tier.evenly, tier.together))
    return Row((tier.tier, f"{tier.ready:,}", f"{tier.wanted:,}", *reach, tier.weakest))


def _bars(fleet: Fleet) -> Iterator[Bars]:
    """Yield what the whole reaches with each tier as a bar, where there is room."""
    target = fleet.sizing.topology.connections
    known = [(tier.evenly, tier) for tier in fleet.tiers if tier.evenly is not None]
    bars = [
        Bar(f"{tier.tier} · {tier.weakest}", number, role=Role.BAD if number < target else Role.GOOD)
        for number, tier in sorted(known, key=lambda pair: pair[0])
    ]
    if bars:
        yield Bars("Limit of each tier with even load", target, tuple(bars), target, extra=True, names="tier")


def _hosts(fleet: Fleet) -> Iterator[Table]:
    """Yield all hosts as a table, where there is room: those that are not ready first."""
    shares = {plan.tier.name: plan.workload.connections for plan in fleet.sizing.tiers}
    rows = [_each("NOT READY", host, shares.get(host.tier, 0), Role.BAD) for host in fleet.waiting]
    for name in fleet.missing:
        tier = name.rpartition("-")[0]
        cells = ("NO REPORT", name, tier, "?", f"{shares[tier]:,}" if tier in shares else "", "", "", "", "", "")
        rows.append(Row(cells, role=Role.UNKNOWN))
    rows += [_each("ready", host, shares.get(host.tier, 0), Role.GOOD) for host in fleet.ready]
    if rows:
        yield Table(_EACH, tuple(rows), "Hosts", extra=True, sortable=True)


def _each(state: str, host: HostState, wanted: int, role: Role) -> Row:
    carries = "?" if host.carries is None else f"{host.carries:,}"
    share = f"{host.carries * 100 // wanted:,} %" if host.carries is not None and wanted else ""
    counts = (f"{host.failed:,}", f"{host.drifted:,}")
    problems = "; ".join(host.problems)
    return Row((state, host.name, host.tier, carries, f"{wanted:,}", share, host.binds, *counts, problems), role=role)


def _waiting(fleet: Fleet, verbose: bool) -> Iterator[Paragraph]:
    shown = fleet.waiting if verbose else fleet.waiting[:_HOSTS]
    for number, host in enumerate(shown):
        yield from _host(host, verbose, not number)
    if more := len(fleet.waiting) - len(shown):
        yield Paragraph(f"and {more:,} more that are not ready (-v, or --format json)", brief=True)


def _host(host: HostState, verbose: bool, gap: bool) -> Iterator[Paragraph]:
    counts = [f"{host.failed:,} failed"] if host.failed else []
    counts += [f"{host.drifted:,} drift"] if host.drifted else []
    if host.carries is not None:
        counts.insert(0, f"limit {host.carries:,}" + (f" ({host.binds})" if host.binds else ""))
    detail = f": {', '.join(counts)}" if counts else ""
    yield Paragraph(f"NOT READY {host.name} of {host.tier}{detail}", role=Role.BAD, gap=gap, brief=True)
    problems = host.problems if verbose else host.problems[:_PROBLEMS]
    yield from (Paragraph(text, depth=1, brief=True) for text in problems)
    if more := len(host.problems) - len(problems):
        yield Paragraph(f"and {more:,} more", depth=1, brief=True)
    if verbose and host.file:
        yield Paragraph(host.file, "report", depth=1, brief=True)


def _lists(fleet: Fleet, verbose: bool) -> Iterator[Paragraph]:
    """Yield the hosts without a report, and the reports without a host."""
    if fleet.missing:
        shown = fleet.missing if verbose else fleet.missing[:_NAMES]
        more = len(fleet.missing) - len(shown)
        names = ", ".join(shown) + (f" and {more:,} more" if more else "")
        yield Paragraph(names, f"no report of {counted(len(fleet.missing), 'host')}", gap=True, brief=True)
    files = fleet.unplaced if verbose else fleet.unplaced[:_FILES]
    yield from paragraphs(files, label="left out", gap=not fleet.missing)
    if more := len(fleet.unplaced) - len(files):
        yield Paragraph(f"and {counted(more, 'more report')} left out (-v)")


def _next(fleet: Fleet) -> Iterator[Commands]:
    """Yield what fixes the first host that is not ready, and what reads one that has no report."""
    if fleet.waiting:
        name = fleet.waiting[0].name
        run = f"sudo hosttune apply --profile {printable.word(f'DIR/profiles/{name}.toml')}"
        yield Commands(f"fix, on {name}", (run,), gap=True, elsewhere=True)
    if fleet.missing:
        name = fleet.missing[0]
        run = f"hosttune check --profile {printable.word(f'DIR/profiles/{name}.toml')} --format json"
        yield Commands(
            f"report, on {name}", (f"{run} > {printable.word(f'{name}.json')}",), gap=not fleet.waiting, elsewhere=True
        )
