# SPDX-License-Identifier: Apache-2.0
"""Say whether a host is ready for its role, or how much it carries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hosttune_info
short_description: Say whether a host is ready for its role, or how many connections it carries
description:
  - Runs C(hosttune check) or C(hosttune capacity) on the host and returns the report. Nothing is ever changed.
  - What does not hold fails the task only where O(fail_on) asks for it.
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
options:
  report:
    description:
      - V(check) holds the host against O(roles) and O(profiles).
      - V(capacity) says at how many connections the host stalls, and on what.
    type: str
    choices: [check, capacity]
    default: check
  fail_on:
    description:
      - Fail the task where a finding of this severity or above does not hold; the message names them.
      - With O(report=capacity) the task fails, whatever the severity, where the connections are not carried.
    type: str
    choices: [info, warning, error]
  strict:
    description:
      - Fail the task also where something could not be examined; with O(report=check) only.
    type: bool
    default: false
seealso:
  - module: hosttune.hosttune.hosttune
  - module: hosttune.hosttune.hosttune_facts
"""

EXAMPLES = r"""
- name: Fail where this host is not ready
  hosttune.hosttune.hosttune_info:
    role: lb
    connections: 1000000
    fail_on: error
    strict: true

- name: Ask how many connections it carries
  hosttune.hosttune.hosttune_info:
    report: capacity
    role: broker
  register: carries
"""

RETURN = r"""
ready:
  description: Whether no finding at or above O(fail_on), or error without it, is wrong.
  type: bool
  returned: with O(report=check)
carried:
  description: Whether the host carries the connections that are wanted of it.
  type: bool
  returned: with O(report=capacity)
wrong:
  description: Findings that do not hold, now or at the next boot, of any severity.
  type: list
  elements: dict
  returned: always
  sample:
    - subject: sysctl:net.core.somaxconn
      verdict: FAIL
      severity: error
      because: now 4096, wants at least 65535
unknown:
  description: Findings that could not be told, and why.
  type: list
  elements: dict
  returned: always
report:
  description: The whole report, as the JSON schema hosttune/report/1 has it; what C(hosttune plan --reports) reads.
  type: dict
  returned: success
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hosttune.hosttune.plugins.module_utils import cli

WRONG = 1
UNTOLD = 3
RANKS = ["info", "warning", "error"]


def check(module: AnsibleModule) -> dict[str, t.Any]:
    """Hold the host against its role."""
    line = ["check", *cli.aim(module.params)]
    line += cli.words(module.params, {"fail_on": "--fail-on", "strict": "--strict"})
    codes = [0, WRONG, UNTOLD] if module.params["strict"] else [0, WRONG]
    answer, result = look(module, line, codes)
    result["ready"] = answer.code == 0
    least = module.params["fail_on"]
    if answer.code == WRONG and least is not None:
        grave = [f for f in result["wrong"] if RANKS.index(f["severity"]) >= RANKS.index(least)]
        cli.fail(module, "not ready: " + cli.named(grave), answer.code, answer.said, **result)
    # where something is wrong too, that is what the exit code says
    counted = [f for f in result["unknown"] if RANKS.index(f["severity"]) >= RANKS.index(least or "error")]
    if answer.code == UNTOLD or (module.params["strict"] and counted):
        cli.fail(module, "could not be examined: " + cli.named(counted), answer.code, answer.said, **result)
    return {**result, "report": answer.document}


def capacity(module: AnsibleModule) -> dict[str, t.Any]:
    """Ask how much the host carries."""
    if module.params["strict"]:
        module.fail_json(msg="strict goes with report=check; leave it out")
    answer, result = look(module, ["capacity", *cli.aim(module.params)], [0, WRONG])
    result["carried"] = answer.code == 0
    if answer.code == WRONG and module.params["fail_on"] is not None:
        wanted = answer.document["workload"]["connections"]
        first = cli.smallest(answer.document["bounds"])
        why = f" it stalls at {first['hard']}, {first['name']}" if first else ""
        cli.fail(module, f"does not carry {wanted} connections:{why}", answer.code, answer.said, **result)
    return {**result, "report": answer.document}


def look(module: AnsibleModule, line: list[str], codes: list[int]) -> tuple[cli.Answer, dict[str, t.Any]]:
    """Return hosttune's answer, and what of it every report gives."""
    answer = cli.ask(module, line, "hosttune/report/1", codes, cli.REPORT)
    found = cli.findings(answer.document)
    return answer, {
        "changed": False,
        "wrong": found["FAIL"] + found["DRIFT"],
        "unknown": found["UNKNOWN"],
    }


def main() -> None:
    """Do what the task asks for."""
    module = AnsibleModule(
        argument_spec=cli.options(
            report={"type": "str", "choices": ["check", "capacity"], "default": "check"},
            fail_on={"type": "str", "choices": RANKS},
            strict={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    cli.finish(module, check if module.params["report"] == "check" else capacity)


if __name__ == "__main__":
    main()
