"""A plan as Markdown, for a ticket: the answer, and a table each of the tiers, the places, the hops, the settings."""

from __future__ import annotations

from hosttune.model import Bottleneck, Sizing
from hosttune.printable import cleaned
from hosttune.render.view import markdown as md
from hosttune.render.view import topology_places as places
from hosttune.render.view import topology_words as words


def render(sizing: Sizing, *, command: str = "") -> str:
    """Return the document; `command` is the one that made the plan, as far as the next ones begin with it."""
    sizing = cleaned(sizing)
    aim, first, *why = sizing.topology, *places.answer(sizing)
    told = words.found(sizing)
    lines = [f"# Plan: {md.text(aim.title or aim.name)}", "", f"Topology {md.text(words.title(sizing))}", ""]
    lines += [f"Found: {md.text(told)}", ""] if told else []
    lines += [f"**{md.text(first)}**", "", *(f"- {md.text(text)}" for text in why), *([""] if why else [])]
    lines += [*(f"- {md.text(way)}" for way in words.chains(sizing)), ""]
    lines += ["## Tiers", "", *_tiers(sizing), "", "## Places, the narrowest first", "", *_places(sizing), ""]
    lines += md.section("Hops", _hops(sizing))
    lines += md.section("What a host takes", _settings(sizing))
    lines += md.section("Too slow", [f"- {md.text(places.rate(sizing, n))}" for n in range(len(sizing.rates))])
    lines += md.section("Could not be told", [f"- {md.text(text)}" for text in words.untold(sizing)])
    lines += md.section("To be heeded", [f"- {md.text(text)}" for text in words.remarks(sizing)])
    lines += md.section("Next", [f"- {md.text(what)}: {md.code(run)}" for what, run in words.commands(sizing, command)])
    return "\n".join(lines).rstrip() + "\n"


def _tiers(sizing: Sizing) -> list[str]:
    lines = md.head("tier", "hosts:", "role", "program", "connections a host:", "new/s a host:", "first to refuse")
    for plan in sizing.tiers:
        first = next((place for place in places.stalls(sizing) if place.tier == plan.tier.name), None)
        ends = f"{places.name(first).partition(': ')[2]}, {first.connections:,} in all" if first else ""
        share = plan.workload
        tier = plan.tier
        cells = (tier.name, words.hosts(tier), tier.role, tier.program, f"{share.connections:,}", f"{share.rate:,}")
        lines.append(md.row((*cells, ends)))
    return lines


def _places(sizing: Sizing) -> list[str]:
    lines = md.head("place", "of one host:", "in all:", "of wanted:", "", "shows as")
    for place in sorted(sizing.bottlenecks, key=lambda place: (place.connections, not place.knee)):
        one = place.bound.knee if place.knee else place.bound.hard
        each = f"{one:,}" if isinstance(one, int) else ""
        share = f"{place.connections * 100 // sizing.topology.connections:,} %" if sizing.topology.connections else ""
        shows = "; ".join(place.bound.notes[-1:]) if place.knee else place.bound.fails
        lines.append(md.row((places.name(place), each, f"{place.connections:,}", share, _mark(sizing, place), shows)))
    return lines


def _mark(sizing: Sizing, place: Bottleneck) -> str:
    """Return in a word what a place does to the target."""
    if place.connections >= sizing.topology.connections:
        return "slow beyond" if place.knee else "enough"
    return "slow" if place.knee else "short"


def _hops(sizing: Sizing) -> list[str]:
    hops = [(plan, hop) for plan in sizing.tiers for hop in plan.hops]
    if not hops:
        return []
    lines = md.head("hop", "pools of a host", "ports each:", "range", "in the fullest:", "")
    for _, hop in hops:
        ends = f"{hop.low}-{hop.high}"
        way = f"{hop.tier} -> {' + '.join(hop.to)}"
        lines.append(md.row((way, words.pools(hop), f"{hop.ports:,}", ends, f"{hop.each:,}", words.filled(hop))))
    alone = [f"- {md.text(plan.tier.name)}: {words.alone(plan)}" for plan in sizing.tiers if words.alone(plan)]
    return [*lines, *(["", *alone] if alone else [])]


def _settings(sizing: Sizing) -> list[str]:
    rows = [(plan.tier.name, *words.setting(one), one.why) for plan in sizing.tiers for one in plan.settings]
    return [*md.head("tier", "setting", "value", "why"), *(md.row(row) for row in rows)] if rows else []
