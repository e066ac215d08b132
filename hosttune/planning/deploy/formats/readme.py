"""README.md of an emission: what goes where, and in which order."""

from __future__ import annotations

import shlex

from hosttune.addresses import runs
from hosttune.model import Deployment, PlannedHost, Tier
from hosttune.model.programs import Deploy
from hosttune.planning.deploy.formats import ansible, profiles
from hosttune.programs import pieces


def files(deployment: Deployment) -> dict[str, str]:
    """Return README.md."""
    topology = deployment.sizing.topology
    steps = [_tuned, _sources, _programs, _load, _checked]
    lines = [
        f"# {topology.name}",
        "",
        f"{topology.connections:,} connections, {topology.rate:,} new ones a second. Written by `hosttune plan`;",
        "emitted again, all of it is replaced but for `reports/`.",
        "",
        *_verdict(deployment),
        *_hosts(deployment),
        "",
        "Servers come before what connects to them: the last tiers first, the load generators last.",
    ]
    for number, (title, body) in enumerate([step for step in (make(deployment) for make in steps) if step[1]], 1):
        lines += ["", f"## {number}. {title}", "", *body]
    return {"README.md": "\n".join(lines) + "\n"}


def _verdict(deployment: Deployment) -> list[str]:
    sizing = deployment.sizing
    if sizing.carried:
        return []
    short = [p for p in sizing.bottlenecks if p.connections < sizing.topology.connections]
    first = min(short, key=lambda place: (place.knee, place.connections), default=None)
    where = ""
    if first:
        how = "slow from" if first.knee else "stalls at"
        where = f": {how} {first.connections:,} connections, first in {first.tier}: {first.bound.name}"
    return [f"**This plan does not carry its target as it should**{where}. `hosttune plan` says what is missing.", ""]


def _hosts(deployment: Deployment) -> list[str]:
    lines = ["| tier | hosts | connections each | source addresses each | configuration |", "|---|---|---|---|---|"]
    for tier in deployment.sizing.topology.tiers:
        hosts = deployment.of(tier.name)
        if hosts:
            each = max(host.workload.connections for host in hosts)
            sources = max(len(host.sources) for host in hosts)
            which = ", ".join(pieces.programs(deployment, tier)) or "none"
            lines.append(f"| {tier.name} | {len(hosts):,} | {each:,} | {sources or 'none'} | {which} |")
    return lines


def _tuned(deployment: Deployment) -> tuple[str, list[str]]:
    first = deployment.hosts[0] if deployment.hosts else None
    if first is None:
        return "Tune the hosts", []
    return "Tune the hosts", [
        "All at once, with Ansible (the reports come to `reports/`):",
        "",
        f"    ansible-playbook -i {ansible.INVENTORY} {ansible.PLAYBOOK}",
        "",
        "Or on each host, with its own profile:",
        "",
        f"    sudo hosttune apply --profile {profiles.path(first)}",
        "",
        "`apply` raises ceilings before limits, writes files for the next boot, and can be undone. Where hosttune",
        "cannot be run, `hosts/HOST/` has the same as files. The order matters: `modules-load.d`, then `sysctl.sh`,",
        "which raises what is too low and keeps what is better (fs.nr_open above every limit of descriptors, reserved",
        "ports before the range of ports), `sysctl.d`, then `limits.d` and the drop-ins (`SERVICE.service.d`), then a",
        "restart of the services and a new login.",
    ]


def _sources(deployment: Deployment) -> tuple[str, list[str]]:
    needing = [host for host in deployment.hosts if host.extra]
    lines: list[str] = []
    if needing:
        lines = [
            "These addresses have to be free, and of the subnet that leads to the backends. In a cloud they are",
            "assigned to the interface there first (`hosttune sources plan` says how).",
            "",
        ]
        lines += [f"    {host.name}: {_command(host)}" for host in needing]
    return "Add the source addresses", lines


def _command(host: PlannedHost) -> str:
    at = f"   # on {host.tier.interface}" if host.tier.interface else ""
    return f"sudo hosttune sources add {' '.join(runs(host.extra))}{at}"


def _programs(deployment: Deployment) -> tuple[str, list[str]]:
    lines: list[str] = []
    for tier in reversed(deployment.sizing.topology.tiers):
        hosts = deployment.of(tier.name)
        known = [how for how in pieces.programs(deployment, tier).values() if how.file]
        if not hosts or not known:
            continue
        if len(known) > 1:
            lines.append(f"{tier.name}: no program is named; take one of these.")
        lines += [f"- {tier.name}: {_configured(tier, how)}" for how in known]
    return "Configure and start the servers", lines


def _configured(tier: Tier, how: Deploy) -> str:
    verb, command = ("check", how.check) if how.check else ("start", how.start)
    path = f"hosts/HOST/{how.file}"
    where = f"`{path}`"
    if how.file_of_each and tier.processes > 1:
        path = f"hosts/HOST/{how.file_of_each.format(1)}"
        where = f"`{path}` to `{how.file_of_each.format(tier.processes)}`, each in a process of its own"
    return f"{where}; {verb} with `{command.format(path)}`"


def _load(deployment: Deployment) -> tuple[str, list[str]]:
    lines: list[str] = []
    for program, how in _deployed(deployment).items():
        tiers = pieces.tiers(deployment, program) if how.run else []
        for tier in tiers:
            of = f"-{tier.name}" if len(tiers) > 1 else ""
            first, *rest = (line.format(of=of) for line in how.run)
            lines += [f"- {tier.name}: {first}", *(f"  {line}" for line in rest)]
    return "Start the load", lines


def _deployed(deployment: Deployment) -> dict[str, Deploy]:
    """Return every program that runs somewhere, or may."""
    return {
        name: how
        for tier in deployment.sizing.topology.tiers
        for name, how in pieces.programs(deployment, tier).items()
    }


def _checked(deployment: Deployment) -> tuple[str, list[str]]:
    origin = deployment.sizing.topology.origin
    return "Hold it against the plan", [
        f"    hosttune plan {shlex.quote(origin) if origin and origin.isprintable() else 'TOPOLOGY'} --reports reports",
        "",
        "says which host is not ready, and what all of them together would reach today. While the load comes,",
        "`hosttune watch` on a host shows how near each bound is.",
    ]
