# SPDX-License-Identifier: Apache-2.0
"""Set facts of what a host carries and whether it is ready."""

from __future__ import annotations

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
    findings = cli.findings(document)
    first = cli.smallest(document["bounds"]) or {}
    fact = {
        "version": version,
        "where": cli.place(document),
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
        "wrong": [f["subject"] for f in findings["FAIL"] + findings["DRIFT"]],
        "unknown": [f["subject"] for f in findings["UNKNOWN"]],
        "fix": document["fix"],
        "warnings": document["warnings"],
    }
    return {"changed": False, "ansible_facts": {"hosttune": fact}}


def pool(each: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what a play needs of a pool of source ports."""
    backend = each["backend"]
    host = f"[{backend['address']}]" if ":" in backend["address"] else backend["address"]
    figures = {name: each[name] for name in ("source", "mode", "usable", "free", "knee")}
    return dict(figures, backend=f"{host}:{backend['port']}")


def main() -> None:
    """Do what the task asks for."""
    module = AnsibleModule(argument_spec=cli.options(), supports_check_mode=True)
    cli.finish(module, facts)


if __name__ == "__main__":
    main()
