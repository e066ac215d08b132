"""Reports of real hosts held against a plan: what the whole would reach today, which hosts are not ready and why."""

from __future__ import annotations

from hosttune import printable
from hosttune.model import Fleet, FleetTier, HostState
from hosttune.printable import clean, cleaned
from hosttune.render.formats import json
from hosttune.render.view import text_parts
from hosttune.render.view import topology_words as words
from hosttune.render.view.figures import counted, cut, fold

SCHEMA = "hosttune/fleet/1"

_HOSTS = 12
_NAMES = 20
_FILES = 6
_PROBLEMS = 3


def document(fleet: Fleet) -> str:
    """Return all of it for programs, described in fleet.schema.json beside this file."""
    return json.document(SCHEMA, fleet)


def render(fleet: Fleet, *, verbose: bool = False, color: bool = False, width: int = 80, unicode: bool = True) -> str:
    """Return the text; no line is longer than `width` (at least 60), no escape sequence without `color`.

    Of hosts that are alike the first ones are named; `verbose` names all.
    """
    fleet = cleaned(fleet)
    width = max(width, 60)
    lines = [
        *fold(f"{words.title(fleet.sizing)} · {counted(fleet.read, 'report')} read", width, ""),
        "",
        *(line for text in _answer(fleet) for line in fold(f"  {text}", width, "    ")),
        "",
        *_tiers(fleet, width, unicode),
        *_waiting(fleet, verbose, width),
        *_lists(fleet, verbose, width),
        *_next(fleet, width),
    ]
    return text_parts.joined(lines, color, unicode)


def _answer(fleet: Fleet) -> list[str]:
    wanted = fleet.sizing.topology.connections
    ready, hosts = sum(tier.ready for tier in fleet.tiers), sum(tier.wanted for tier in fleet.tiers)
    state = f"{ready:,} of {counted(hosts, 'host')} {'is' if hosts == 1 else 'are'} ready"
    if fleet.reaches is None:
        # a host that is not known can only make it less
        most = min((tier.evenly for tier in fleet.tiers if tier.evenly is not None), default=None)
        said = f", and is {most:,} at the most" if most is not None else ""
        why = f": {fleet.narrowest}" if fleet.narrowest and most is not None else ""
        return [f"What it reaches today cannot be told{said}{why}", state]
    narrow = f": {fleet.narrowest}" if fleet.narrowest else ""
    if fleet.reaches < wanted:
        return [f"Stalls at {fleet.reaches:,} connections today, of {wanted:,} wanted{narrow}", state]
    return [f"Carries {wanted:,} connections today; it would stall at {fleet.reaches:,}{narrow}", state]


def _tiers(fleet: Fleet, width: int, unicode: bool) -> list[str]:
    """Return a line for each tier; the weakest host has what is left of the line."""
    label = min(max([4, *(len(tier.tier) for tier in fleet.tiers)]), 12)
    head = f"  {'tier':<{label}} {'ready':>6} {'wanted':>6} {'evenly':>13} {'together':>13}"
    lines = [cut(f"{head}  weakest", width, unicode)]
    for tier in fleet.tiers:
        name = cut(clean(tier.tier), label, unicode)
        row = f"  {name:<{label}} {tier.ready:>6,} {tier.wanted:>6,}"
        row += f" {_reach(tier.evenly):>13} {_reach(tier.together):>13}"
        lines.append(cut(f"{row}  {clean(tier.weakest)}", width, unicode))
    lines += fold(
        "  evenly: where the first host refuses when all carry alike; together: when each is filled", width, "    "
    )
    return [*lines, *_short(fleet.tiers, width)]


def _reach(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _short(tiers: tuple[FleetTier, ...], width: int) -> list[str]:
    """Return which tiers have reports of fewer hosts, or of more, than the plan has."""
    told = [
        f"{tier.tier}: {counted(tier.found, 'host')} reported, {tier.wanted:,} wanted"
        for tier in tiers
        if tier.found != tier.wanted
    ]
    return [line for text in told for line in fold(f"  {text}", width, "    ")]


def _waiting(fleet: Fleet, verbose: bool, width: int) -> list[str]:
    shown = fleet.waiting if verbose else fleet.waiting[:_HOSTS]
    lines = [line for host in shown for line in _host(host, verbose, width)]
    more = len(fleet.waiting) - len(shown)
    lines += [f"  and {more:,} more that are not ready (-v, or --format json)"] if more else []
    return ["", *lines] if lines else []


def _host(host: HostState, verbose: bool, width: int) -> list[str]:
    counts = [f"{host.failed:,} failed"] if host.failed else []
    counts += [f"{host.drifted:,} drift"] if host.drifted else []
    if host.carries is not None:
        counts.insert(0, f"carries {host.carries:,}" + (f" ({host.binds})" if host.binds else ""))
    told = f": {', '.join(counts)}" if counts else ""
    lines = fold(f"  NOT READY {host.name} of {host.tier}{told}", width, "    ")
    problems = host.problems if verbose else host.problems[:_PROBLEMS]
    lines += [line for text in problems for line in fold(f"    {text}", width, "      ")]
    more = len(host.problems) - len(problems)
    lines += [f"    and {more:,} more"] if more else []
    return [*lines, *(fold(f"    report: {host.file}", width, "      ") if verbose and host.file else [])]


def _lists(fleet: Fleet, verbose: bool, width: int) -> list[str]:
    """Return the hosts without a report, and the reports without a host."""
    lines: list[str] = []
    if fleet.missing:
        shown = fleet.missing if verbose else fleet.missing[:_NAMES]
        more = len(fleet.missing) - len(shown)
        told = ", ".join(shown) + (f" and {more:,} more" if more else "")
        lines += fold(f"  no report of {counted(len(fleet.missing), 'host')}: {told}", width, "    ")
    shown = fleet.unplaced if verbose else fleet.unplaced[:_FILES]
    lines += [line for text in shown for line in fold(f"  left out: {text}", width, "    ")]
    more = len(fleet.unplaced) - len(shown)
    lines += [f"  and {counted(more, 'more report')} left out (-v)"] if more else []
    return ["", *lines] if lines else []


def _next(fleet: Fleet, width: int) -> list[str]:
    """Return what fixes the first host that is not ready, and what reads one that has no report."""
    lines: list[str] = []
    if fleet.waiting:
        name = fleet.waiting[0].name
        run = f"sudo hosttune apply --profile {printable.word(f'DIR/profiles/{name}.toml')}"
        lines += fold(f"  fix, on {name}: {run}", width, "    ")
    if fleet.missing:
        name = fleet.missing[0]
        run = f"hosttune check --profile {printable.word(f'DIR/profiles/{name}.toml')} --format json"
        lines += fold(f"  report, on {name}: {run} > {printable.word(f'{name}.json')}", width, "    ")
    return ["", *lines] if lines else []
