# SPDX-License-Identifier: Apache-2.0
"""Set facts of what a host carries and whether it is ready."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hosttune_facts
short_description: Set facts on how many connections a host carries and whether it is ready
description:
  - Runs C(hosttune check) on the host and sets the fact C(hosttune). Nothing is ever changed.
  - Where hosttune is missing, or does not answer, the task fails and no fact is set.
version_added: "0.1.0"
author:
  - The hosttune maintainers (@hosttune)
extends_documentation_fragment:
  - hosttune.hosttune.common
attributes:
  check_mode:
    description: The same with and without it.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
seealso:
  - module: hosttune.hosttune.hosttune_info
"""

EXAMPLES = r"""
- name: Gather what this host carries
  hosttune.hosttune.hosttune_facts:
    role: lb

- name: Take it out of rotation where it is not ready
  ansible.builtin.debug:
    msg: "{{ inventory_hostname }} stalls at {{ ansible_facts.hosttune.capacity.connections }} connections"
  when: ansible_facts.hosttune.status != 'ready'
"""

RETURN = r"""
ansible_facts:
  description: What was found.
  returned: always
  type: dict
  contains:
    hosttune:
      description: What hosttune says of the host.
      type: dict
      returned: always
      contains:
        version:
          description: Version of hosttune on the host.
          type: str
          returned: always
        roles:
          description: Roles that it was held against.
          type: list
          elements: str
          returned: always
        status:
          description: V(ready), V(not_ready), or V(unknown) where what is no failure could not be examined.
          type: str
          returned: always
        wanted:
          description: The C(connections) and the C(rate), in connections per second, that are wanted.
          type: dict
          returned: always
        capacity:
          description:
            - The C(connections) at which it stalls first, the C(bound) that does it and its C(name); each null where
              no bound could be told.
            - C(unknown) lists the bounds that could not be told; one of them may be lower.
          type: dict
          returned: always
        pools:
          description: Source ports towards each backend; how many C(usable), C(free) and where the C(knee) is.
          type: list
          elements: dict
          returned: always
        wrong:
          description: Subjects that do not hold, now or at the next boot.
          type: list
          elements: str
          returned: always
        unknown:
          description: Subjects that could not be told.
          type: list
          elements: str
          returned: always
        warnings:
          description: What else hosttune warns of.
          type: list
          elements: str
          returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hosttune.hosttune.plugins.module_utils import cli

STATUS = {0: "ready", 1: "not_ready", 3: "unknown"}


def facts(module: AnsibleModule) -> dict[str, t.Any]:
    """Gather the fact."""
    version = cli.version(module)
    line = ["check", *cli.aim(module.params), "--strict"]
    answer = cli.ask(module, line, "hosttune/report/1", list(STATUS), cli.REPORT)
    document = answer.document
    found = cli.findings(document)
    first = cli.smallest(document["bounds"]) or {}
    fact = {
        "version": version,
        "roles": document["roles"],
        "status": STATUS[answer.code],
        "wanted": {name: document["workload"][name] for name in ("connections", "rate")},
        "capacity": {
            "connections": first.get("hard"),
            "bound": first.get("id"),
            "name": first.get("name"),
            "unknown": [bound["id"] for bound in document["bounds"] if isinstance(bound["hard"], dict)],
        },
        "pools": [pool(each) for each in document["pools"]],
        "wrong": [f["subject"] for f in found["FAIL"] + found["DRIFT"]],
        "unknown": [f["subject"] for f in found["UNKNOWN"]],
        "warnings": document["warnings"],
    }
    return {"changed": False, "ansible_facts": {"hosttune": fact}}


def pool(each: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what a play needs of a pool of source ports."""
    backend = each["backend"]
    host = f"[{backend['address']}]" if ":" in backend["address"] else backend["address"]
    found = {name: each[name] for name in ("source", "mode", "usable", "free", "knee")}
    return dict(found, backend=f"{host}:{backend['port']}")


def main() -> None:
    """Do what the task asks for."""
    module = AnsibleModule(argument_spec=cli.options(), supports_check_mode=True)
    cli.finish(module, facts)


if __name__ == "__main__":
    main()
