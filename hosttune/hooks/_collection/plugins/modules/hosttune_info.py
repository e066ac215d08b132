# SPDX-License-Identifier: Apache-2.0
"""Say whether a host is ready for its role, or how much it carries."""

from __future__ import annotations

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
        cli.fail(module, "not ready: " + cli.named(grave), answer.code, answer.stderr, **result)
    # where something is wrong too, that is what the exit code says
    counted = [f for f in result["unknown"] if RANKS.index(f["severity"]) >= RANKS.index(least or "error")]
    if answer.code == UNTOLD or (module.params["strict"] and counted):
        cli.fail(module, "could not be examined: " + cli.named(counted), answer.code, answer.stderr, **result)
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
        why = f" limit {first['hard']}, {first['name']}" if first else ""
        cli.fail(module, f"does not reach {wanted} connections:{why}", answer.code, answer.stderr, **result)
    return {**result, "report": answer.document}


def look(module: AnsibleModule, line: list[str], codes: list[int]) -> tuple[cli.Answer, dict[str, t.Any]]:
    """Return hosttune's answer, and what of it every report gives."""
    answer = cli.ask(module, line, "hosttune/report/1", codes, cli.REPORT)
    findings = cli.findings(answer.document)
    return answer, {
        "changed": False,
        "wrong": findings["FAIL"] + findings["DRIFT"],
        "unknown": findings["UNKNOWN"],
        "where": cli.place(answer.document),
        "fix": answer.document["fix"],
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
