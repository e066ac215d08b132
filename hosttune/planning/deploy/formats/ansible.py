"""An inventory with each host's role and numbers, and a playbook that applies the plan and gathers the reports."""

from __future__ import annotations

import json

from hosttune.addresses import runs
from hosttune.model import Deployment, PlannedHost
from hosttune.planning.deploy.formats import profiles
from hosttune.programs import pieces

INVENTORY, PLAYBOOK = "ansible/inventory.yml", "ansible/site.yml"


def files(deployment: Deployment) -> dict[str, str]:
    """Return inventory.yml and site.yml."""
    # plain modules: a collection is not needed. JSON is what decides, so that a play says changed where something was
    playbook = pieces.filled(__file__, "site.yml.in", head=pieces.head(deployment, None, "a playbook"))
    return {INVENTORY: _inventory(deployment), PLAYBOOK: playbook}


def _inventory(deployment: Deployment) -> str:
    lines = [
        "---",
        f"# {pieces.head(deployment, None, 'an inventory')}",
        f"# ansible-playbook -i {INVENTORY} {PLAYBOOK}",
        "all:",
        "  children:",
    ]
    for tier in deployment.sizing.topology.tiers:
        hosts = deployment.of(tier.name)
        if hosts:
            lines += [f"    {_group(tier.name)}:", "      hosts:", *[line for host in hosts for line in _host(host)]]
    return "\n".join(lines) + "\n"


def _group(tier: str) -> str:
    """Return a group's name: no reserved word, and no hyphen, which Ansible warns of."""
    return f"tier_{tier.replace('-', '_')}"


def _host(host: PlannedHost) -> list[str]:
    values = {
        "ansible_host": host.address,
        "hosttune_role": host.tier.role,
        "hosttune_profile": profiles.path(host),
        "hosttune_connections": host.workload.connections,
        "hosttune_rate": host.workload.rate,
        "hosttune_interface": host.tier.interface,
        "hosttune_sources": runs(host.extra),
    }
    # a string of JSON is one of YAML
    return [f"        {host.name}:", *[f"          {key}: {json.dumps(value)}" for key, value in values.items()]]
