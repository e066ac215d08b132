"""How many source addresses it takes, for a person and for a program."""

from __future__ import annotations

import json as _json
from typing import Any

from hosttune.model import EgressInterface, More, SourcePlan
from hosttune.printable import clean, cleaned
from hosttune.render.view import sources
from hosttune.render.view.figures import fold

SCHEMA = "hosttune/sources-plan/1"
_RANGES = 4


def table(plan: SourcePlan, width: int) -> str:
    """Return the text."""
    plan = cleaned(plan)
    lines = [*_wanted(plan), ""]
    for outlet in plan.egress_interfaces:
        lines += [*_outlet(plan, outlet), ""]
    lines += _cloud(plan)
    lines += _anyip(plan)
    lines += [f"note: {note}" for note in plan.notes]
    if plan.next:
        lines += ["next:" if len(plan.next) == 1 else "next, in this order:", *(f"  {one}" for one in plan.next)]
    elif plan.carried:
        lines.append("next: nothing, the addresses are there")
    folded = [part for line in lines for part in (_folded(line, width) if line else [""])]
    while folded and not folded[-1]:
        folded.pop()
    return "\n".join(folded) + "\n"


def _folded(line: str, width: int) -> list[str]:
    bare = line.lstrip(" ")
    indent = " " * (2 + len(line) - len(bare))
    if bare.startswith("sudo ") or bare.split(" ", 1)[0] in ("aws", "gcloud", "az", "openstack"):
        return [indent + clean(bare)]  # a command is pasted whole
    return [indent + part for part in fold(bare, width - len(indent), "  ")]


def _wanted(plan: SourcePlan) -> list[str]:
    room = f", {plan.headroom:.0%} of the ports kept free: {plan.wanted:,}" if plan.headroom else ""
    low, high = plan.range_now
    widest = ""
    if plan.range_widest != plan.range_now:
        widest = f"; the widest is {plan.range_widest[0]} {plan.range_widest[1]}"
    return [
        f"{plan.connections:,} connections{room}, bind mode {plan.mode.value}, ports {low} {high}{widest}",
    ]


def _outlet(plan: SourcePlan, outlet: EgressInterface) -> list[str]:
    backends = len({str(pool.backend) for pool in outlet.pools})
    via = f", by the gateway {outlet.via}" if outlet.via else ""
    share = f": {outlet.connections:,} connections" if len(plan.egress_interfaces) > 1 else ""
    lines = [f"{outlet.interface} leads to {backends:,} backend{'s' * (backends != 1)}{via}{share}"]
    lines += _have(outlet)
    lines += _pools(outlet)
    now, wide = _takes(outlet, outlet.now), _takes(outlet, outlet.widest)
    lines.append(f"  with the ports of now   {now}")
    if plan.range_widest != plan.range_now:
        lines.append(f"  with the widest range   {wide}")
    return lines + _free(outlet)


def _have(outlet: EgressInterface) -> list[str]:
    count = len(outlet.have)
    said = f"  {count:,} source address{'es' * (count != 1)} here: {', '.join(outlet.have[:_RANGES])}"
    return [said + (f" and {count - _RANGES:,} more" if count > _RANGES else "")]


def _pools(outlet: EgressInterface) -> list[str]:
    """Return how full the pools of each backend are, together over its sources."""
    found: dict[str, list[int]] = {}
    for pool in outlet.pools:
        row = found.setdefault(str(pool.backend), [0, 0, 0])
        row[0] += pool.used
        row[1] += max(pool.usable, pool.established + pool.free)
        row[2] += pool.knee or 0
    size = max(map(len, found), default=0)
    lines = []
    for name, (used, room, knee) in found.items():
        percent = f"{100 * used / room:.0f} %" if room else "no port"
        slow = f", slow from {knee:,}" if knee else ""
        lines.append(f"  {name:<{size}}  {used:,} of {room:,} ports in use ({percent}){slow}")
    return lines


def _takes(outlet: EgressInterface, more: More) -> str:
    """Return how many addresses it takes; those that are there are among the sums."""
    have = len(outlet.have)
    if more.hard is None:
        return "no number of addresses carries it: no port is usable"
    if more.hard == 0 and (more.knee in (0, None)):
        return "enough" + (", and below the knee" if more.knee == 0 else "")
    hard = f"{more.hard:,} more ({have + more.hard:,} in all)" if more.hard else "enough"
    if more.knee is None:
        return hard
    return f"{hard}; {more.knee:,} more ({have + more.knee:,} in all) to stay below the knee"


def _free(outlet: EgressInterface) -> list[str]:
    if outlet.own:
        way = "every address of 127.0.0.0/8 can be bound, nothing is to be added"
        if outlet.version == 6:
            way = "addresses can be added to lo, as ADDRESS/128@lo"
        all_ = len(outlet.have) + (outlet.needed.best or 0)
        bind = f"; bind to {all_:,} of them" if all_ > len(outlet.have) and outlet.version == 4 else ""
        return [f"  the backends are on this host: {way}{bind}"]
    wanted = outlet.needed.best or 0
    if not outlet.subnet:
        said = f"  {outlet.source} has no subnet on {outlet.interface}: which addresses are free is not seen here"
        return [f"{said}; ask who runs the network, and add them as ADDRESS/{32 if outlet.version == 4 else 128}"]
    shown = ", ".join(outlet.ranges[:_RANGES])
    more = f" and {len(outlet.ranges) - _RANGES:,} more ranges" if len(outlet.ranges) > _RANGES else ""
    free = f"{outlet.free:,}" if outlet.free < 10**15 else "very many"
    lines = [f"  {free} addresses of {outlet.subnet} are free, as far as is seen: {shown or 'none'}{more}"]
    if wanted and outlet.free < wanted:
        lines.append(f"  too few: {wanted:,} are wanted")
    if wanted:
        lines.append(
            "  free means that nobody was seen there: `sources add` asks the link first; a DHCP server may give them "
            "away later, so take them out of its range"
        )
    return lines


def _cloud(plan: SourcePlan) -> list[str]:
    if plan.cloud is not None:
        row = plan.cloud
        return [f"{row.name} wants first: {row.what}", f"  {row.command}", f"  {row.limit} ({row.source})", ""]
    if plan.elsewhere:
        said = f"{plan.elsewhere}: whether it carries packets of further private addresses could not be told"
        return [f"{said}; ask it before you add any", ""]
    return []


def _anyip(plan: SourcePlan) -> list[str]:
    lines = []
    for prefix in plan.local:
        lines.append(f"local already: every address of {prefix} can be bound; not counted above")
    outlet = next((o for o in plan.egress_interfaces if o.version == 4 and not o.own), None)
    if not plan.anyip or outlet is None:
        return [*lines, ""] if lines else []
    via = outlet.source
    lines += [
        f"or a whole prefix that nothing else uses, without an address for each (AnyIP); {plan.anyip} meets no subnet "
        "of this host:",
        f"  sudo hosttune sources add --anyip {plan.anyip}",
    ]
    if outlet.via:
        lines.append(f"  the backends answer through their router, which needs the route: {plan.anyip} via {via}")
    else:
        said, command = sources.return_route(plan.anyip, via)
        lines += [f"  {said}", f"    {command}"]
    if plan.machine.cloud:
        lines.append(f"  the network of {plan.machine.cloud} must route the prefix to this machine too")
    return [*lines, ""]


def json(plan: SourcePlan) -> str:
    """Return the document."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "connections": plan.connections,
        "headroom": plan.headroom,
        "wanted": plan.wanted,
        "bind_mode": plan.mode.value,
        "range_now": list(plan.range_now),
        "range_widest": list(plan.range_widest),
        "carried": plan.carried,
        "egress_interfaces": [_row(outlet) for outlet in plan.egress_interfaces],
        "cloud": None,
        "anyip": plan.anyip or None,
        "local": list(plan.local),
        "next": list(plan.next),
        "notes": list(plan.notes),
    }
    if plan.cloud is not None:
        row = plan.cloud
        document["cloud"] = {
            "name": row.name,
            "what": row.what,
            "command": row.command,
            "limit": row.limit,
            "source": row.source,
        }
    return _json.dumps(document, indent=1) + "\n"


def _row(outlet: EgressInterface) -> dict[str, Any]:
    return {
        "interface": outlet.interface,
        "family": outlet.version,
        "source": outlet.source,
        "gateway": outlet.via or None,
        "connections": outlet.connections,
        "have": list(outlet.have),
        "pools": [
            {
                "source": pool.source,
                "backend": str(pool.backend),
                "usable": pool.usable,
                "used": pool.used,
                "free": pool.free,
                "knee": pool.knee,
            }
            for pool in outlet.pools
        ],
        "more": {"now": _counts(outlet.now), "widest": _counts(outlet.widest)},
        "own": outlet.own,
        "subnet": outlet.subnet or None,
        "free": outlet.free,
        "free_ranges": list(outlet.ranges),
        "seen": outlet.seen,
        "chosen": list(outlet.chosen),
    }


def _counts(more: More) -> dict[str, int | None]:
    return {"hard": more.hard, "below_knee": more.knee}
