"""README.md of an emission: what goes where, and in which order."""

from __future__ import annotations

import itertools
import shlex

from hosttune.addresses import runs
from hosttune.model import Deployment, PlannedHost, Tier
from hosttune.model.programs import Deploy
from hosttune.planning.deploy.formats import ansible, profiles
from hosttune.programs import pieces


def files(deployment: Deployment) -> dict[str, str]:
    """Return README.md."""
    topology, origin = deployment.sizing.topology, deployment.sizing.topology.origin
    first = deployment.hosts[:1]
    bodies = {
        "tune": [profiles.path(host) for host in first],
        "add": [f"{host.name}: {_command(host)}" for host in deployment.hosts if host.extra],
        "configure": _programs(deployment),
        "start": _load(deployment),
        "hold": [shlex.quote(origin) if origin and origin.isprintable() else "TOPOLOGY"],
    }
    steps = [step for step, body in bodies.items() if body]
    text = pieces.filled(
        __file__,
        "README.md.in",
        name=topology.name,
        connections=f"{topology.connections:,}",
        rate=f"{topology.rate:,}",
        verdict=_verdict(deployment),
        tiers=_tiers(deployment),
        inventory=ansible.INVENTORY,
        playbook=ansible.PLAYBOOK,
        profile="".join(bodies["tune"]),
        sources=bodies["add"],
        programs=bodies["configure"],
        load=bodies["start"],
        topology=bodies["hold"][0],
        # the number of each step that is to be taken
        **{step: steps.index(step) + 1 if step in steps else 0 for step in bodies},
    )
    return {"README.md": text}


def _verdict(deployment: Deployment) -> list[str]:
    sizing = deployment.sizing
    if sizing.carried:
        return []
    short = [p for p in sizing.bottlenecks if p.connections < sizing.topology.connections]
    first = min(short, key=lambda place: (place.knee, place.connections), default=None)
    where = ""
    if first:
        how = "slow above" if first.knee else "limit"
        where = f": {how} {first.connections:,} connections, first in {first.tier}: {first.bound.name}"
    return [f"**This plan does not reach its target as it should**{where}. `hosttune plan` says what is missing.", ""]


def _tiers(deployment: Deployment) -> list[str]:
    lines: list[str] = []
    for tier in deployment.sizing.topology.tiers:
        hosts = deployment.of(tier.name)
        if hosts:
            each = max(host.workload.connections for host in hosts)
            sources = max(len(host.sources) for host in hosts)
            which = ", ".join(pieces.programs(deployment, tier)) or "none"
            lines.append(f"| {tier.name} | {len(hosts):,} | {each:,} | {sources or 'none'} | {which} |")
    return lines


def _command(host: PlannedHost) -> str:
    at = f"   # on {host.tier.interface}" if host.tier.interface else ""
    return f"sudo hosttune sources add {' '.join(runs(host.extra))}{at}"


def _programs(deployment: Deployment) -> list[str]:
    lines: list[str] = []
    for tier in reversed(deployment.sizing.topology.tiers):
        hosts = deployment.of(tier.name)
        known = [how for how in pieces.programs(deployment, tier).values() if how.file]
        if not hosts or not known:
            continue
        if len(known) > 1:
            lines.append(f"{tier.name}: no program is given; use one of these.")
        lines += [f"- {tier.name}: {_configured(tier, how)}" for how in known]
    return lines


def _configured(tier: Tier, how: Deploy) -> str:
    verb, command = ("check", how.check) if how.check else ("start", how.start)
    path = f"hosts/HOST/{how.file}"
    where = f"`{path}`"
    if how.file_of_each and tier.processes > 1:
        path = f"hosts/HOST/{how.file_of_each.format(1)}"
        where = f"`{path}` to `{how.file_of_each.format(tier.processes)}`, each in a process of its own"
    return f"{where}; {verb} with `{command.format(path)}`"


def _load(deployment: Deployment) -> list[str]:
    lines: list[str] = []
    every = (pieces.programs(deployment, tier).items() for tier in deployment.sizing.topology.tiers)
    for program, how in dict(itertools.chain.from_iterable(every)).items():
        tiers = pieces.tiers(deployment, program) if how.run else []
        for tier in tiers:
            of = f"-{tier.name}" if len(tiers) > 1 else ""
            first, *rest = (line.format(of=of) for line in how.run)
            lines += [f"- {tier.name}: {first}", *(f"  {line}" for line in rest)]
    return lines
