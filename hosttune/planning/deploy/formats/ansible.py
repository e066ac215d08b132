"""An inventory with each host's role and numbers, and a playbook that applies the plan and gathers the reports."""

from __future__ import annotations

import json

from hosttune.addresses import runs
from hosttune.model import Deployment, PlannedHost
from hosttune.planning.deploy.formats import profiles
from hosttune.programs import pieces

INVENTORY, PLAYBOOK = "ansible/inventory.yml", "ansible/site.yml"

# plain modules: a collection is not needed. JSON is what decides, so that a play says changed where something was
_PLAYBOOK = """
- name: Tune each host for its part of the plan
  hosts: all
  become: true
  gather_facts: false
  vars:
    hosttune_command: hosttune
    hosttune_remote_profile: /etc/hosttune/plan.toml
    hosttune_reports: "{{ playbook_dir }}/../reports"
  tasks:
    - name: Make the directory of the profile
      ansible.builtin.file:
        path: "{{ hosttune_remote_profile | dirname }}"
        state: directory
        mode: "0755"

    - name: Copy the host's profile
      ansible.builtin.copy:
        src: "{{ playbook_dir }}/../{{ hosttune_profile }}"
        dest: "{{ hosttune_remote_profile }}"
        mode: "0644"

    - name: Apply the profile, in a safe order, with a way back
      ansible.builtin.command:
        argv: ["{{ hosttune_command }}", apply, --profile, "{{ hosttune_remote_profile }}", --yes, --format, json]
      register: hosttune_applied
      # 1: applied, and something does not hold yet, such as a service that has to be restarted; the check tells
      failed_when: hosttune_applied.rc not in [0, 1]
      changed_when: hosttune_applied.rc in [0, 1] and (hosttune_applied.stdout | from_json).changed

    - name: Add the source addresses
      ansible.builtin.command:
        argv: "{{ [hosttune_command, 'sources', 'add', '--yes', '--format', 'json'] + hosttune_sources }}"
      register: hosttune_added
      when: hosttune_sources | length > 0
      changed_when: hosttune_added.rc in [0, 1] and (hosttune_added.stdout | from_json).changed

    - name: Check the host
      ansible.builtin.command:
        argv: ["{{ hosttune_command }}", check, --profile, "{{ hosttune_remote_profile }}", --format, json]
      register: hosttune_checked
      changed_when: false
      # 1: a finding, which the report holds
      failed_when: hosttune_checked.rc not in [0, 1]

    - name: Make the directory of the reports
      ansible.builtin.file:
        path: "{{ hosttune_reports }}"
        state: directory
        mode: "0755"
      delegate_to: localhost
      become: false
      run_once: true

    - name: Keep the report
      ansible.builtin.copy:
        content: "{{ hosttune_checked.stdout }}"
        dest: "{{ hosttune_reports }}/{{ inventory_hostname }}.json"
        mode: "0644"
      delegate_to: localhost
      become: false
"""


def files(deployment: Deployment) -> dict[str, str]:
    """Return inventory.yml and site.yml."""
    head = f"# {pieces.head(deployment, None, 'a playbook')}\n"
    return {INVENTORY: _inventory(deployment), PLAYBOOK: f"---\n{head}{_PLAYBOOK.lstrip()}"}


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
