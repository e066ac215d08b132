# SPDX-License-Identifier: Apache-2.0
"""Make a host ready for its role, or take that back."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hosttune.hosttune.plugins.module_utils import cli

OWN = {
    "except": "--except",
    "allow_keys": "--allow-key",
    "netns": "--netns",
    "runtime_only": "--runtime-only",
    "persist_only": "--persist-only",
    "live": "--live",
    "restart": "--restart",
    "reserve_listeners": "--reserve-listeners",
    "add_addresses": "--add-address",
    "reason": "--reason",
    "confirm_within": "--confirm-within",
    "confirm_if": "--confirm-if",
}
APPLY_ONLY = [
    "only",
    "except",
    "allow_keys",
    "netns",
    "runtime_only",
    "persist_only",
    "live",
    "reserve_listeners",
    "add_addresses",
    "confirm_within",
    "confirm_if",
]
WANTED = 4
REFUSED = 5


def applied(module: AnsibleModule) -> dict[str, t.Any]:
    """Apply, or say what an apply would change."""
    params = module.params
    if params["id"] is not None or params["force"]:
        module.fail_json(msg="id and force go with state=rolled_back and state=confirmed; leave them out")
    line = ["apply", *cli.aim(params), *cli.words(params, OWN)]
    if params["only"] is not None:
        # in one word, so that an empty list is refused, and not all
        line.append("--only=" + ",".join(params["only"]))
    line.append("--dry-run" if module.check_mode else "--yes")
    codes = [0, WANTED, REFUSED] if module.check_mode else [0, 1, REFUSED]
    keys = {"changed": bool, "changes": list, "refused": list, "notes": list, "results": list, "diff": str}
    keys |= {"not_in_force": list, "damaged": list}
    answer = cli.ask(module, line, "hosttune/apply/1", codes, keys)
    document = answer.document
    result = {
        # a service that is to be restarted is a change, though nothing is written
        "changed": document["changed"] or answer.code == WANTED,
        "id": document.get("id"),
        "notes": document["notes"],
        "refused": document["refused"],
        "capacity": document.get("capacity"),
        "not_in_force": document["not_in_force"],
        "damaged": document["damaged"],
        "until": (document.get("confirm") or {}).get("until"),
    }
    if module._diff:
        result["diff"] = differences(document["changes"])
    if answer.code == REFUSED or document["refused"]:
        why, fix = cli.refusal(document["refused"])
        cli.fail(module, f"refused: {why or answer.stderr}", answer.code, answer.stderr, **dict(result, fix=fix))
    if answer.code == 1:
        why = f"apply {document.get('id')} was made, and this does not hold: {cli.listed(not_holding(document))}"
        cli.fail(module, why, answer.code, answer.stderr, **result)
    return {**result, "report": document}


def not_holding(document: dict[str, t.Any]) -> list[str]:
    """Return what was written and does not hold, and what the role requires and does not have."""
    failed = [row for row in document["results"] if row["verdict"] == "FAIL"]
    return [lost(entry) for entry in document["not_in_force"]] + [
        f"{row['subject']}: {row['because']}" for row in failed
    ]


def rolled_back(module: AnsibleModule) -> dict[str, t.Any]:
    """Take an apply back, or say what that would change."""
    params = module.params
    ignored = [name for name in APPLY_ONLY if params[name]]
    if ignored:
        module.fail_json(msg=f"{', '.join(ignored)}: an apply is undone as a whole; leave it out")
    line = ["rollback"]
    if params["id"] is not None:
        line.append(str(params["id"]))
    own = {"force": "--force", "restart": "--restart", "reason": "--reason"}
    line += cli.words(params, own) + cli.where(params)
    keys = {"changed": bool, "diff": str, "kept": list, "notes": list, "stays": str, "damaged": list}
    # what heals an interrupted run names no change: that there is something to do, the exit code says
    answer = cli.ask(module, [*line, "--dry-run"], "hosttune/rollback/1", [0, WANTED], keys)
    changed = answer.code == WANTED
    # a rollback with nothing left to change still takes the apply off
    if not module.check_mode and (changed or answer.document.get("id") is not None):
        answer = cli.ask(module, [*line, "--yes"], "hosttune/rollback/1", [0, 1], keys)
    document = answer.document
    result = {
        "changed": changed,
        "id": document.get("id"),
        "notes": document["notes"] + [document["stays"]] * bool(document["stays"]),
        "kept": document["kept"],
        "damaged": document["damaged"],
    }
    if module._diff:
        result["diff"] = {"prepared": document["diff"]}
    if answer.code == 1:
        why = cli.listed([*document["kept"], *document["notes"]]) or answer.stderr
        cli.fail(module, "not all was undone: " + why, answer.code, answer.stderr, **result)
    return {**result, "report": document}


def lost(entry: dict[str, t.Any]) -> str:
    """Return what was written and does not hold, with who holds it."""
    there = "is there now" if entry["when"] == "now" else "comes at boot"
    by = "".join(f", {who}" for who in entry["by"])
    return f"{entry['target']}: {entry['wrote']} was written, {entry['holds']} {there}{by}"


def confirmed(module: AnsibleModule) -> dict[str, t.Any]:
    """Keep an apply that waits to be confirmed, or say what that would write."""
    params = module.params
    ignored = [name for name in [*APPLY_ONLY, "force", "restart"] if params[name]]
    if ignored:
        module.fail_json(msg=f"{', '.join(ignored)}: what waits is kept as it was made; leave it out")
    if params["root"] != "/":
        module.fail_json(msg="root: nothing runs in an image, so nothing waits there; leave it out")
    line = ["confirm"]
    if params["id"] is not None:
        line.append(str(params["id"]))
    keys = {"changed": bool, "diff": str, "files": list}
    if module.check_mode:
        line.append("--dry-run")
    answer = cli.ask(module, line, "hosttune/confirm/1", [0, WANTED], keys)
    document = answer.document
    result = {"changed": document["changed"], "id": document.get("id"), "notes": []}
    if module._diff:
        result["diff"] = {"prepared": document["diff"]}
    return {**result, "report": document}


def differences(changes: list[dict[str, t.Any]]) -> list[dict[str, str]]:
    """Return what --diff shows: files as they are and as they will be, then all else in lines."""
    shown, lines = [], []
    for change in changes:
        if change["backend"] != "file":
            lines.append(change["diff"])
            continue
        difference = {"before_header": change["target"], "after_header": change["target"]}
        for when in ("before", "after"):
            difference[when] = (change[when] or {}).get("text", "")
        shown.append(difference)
    return shown + ([{"prepared": "\n".join(lines) + "\n"}] if lines else [])


def main() -> None:
    """Do what the task asks for."""
    module = AnsibleModule(
        argument_spec=cli.options(
            **{
                "state": {"type": "str", "choices": ["applied", "rolled_back", "confirmed"], "default": "applied"},
                "id": {"type": "int"},
                "force": {"type": "bool", "default": False},
                "only": {"type": "list", "elements": "str"},
                "except": {"type": "list", "elements": "str"},
                "allow_keys": {"type": "list", "elements": "str", "aliases": ["allow_key"], "no_log": False},
                "netns": {"type": "str"},
                "runtime_only": {"type": "bool", "default": False},
                "persist_only": {"type": "bool", "default": False},
                "live": {"type": "bool", "default": False},
                "restart": {"type": "bool", "default": False},
                "reserve_listeners": {"type": "bool", "default": False},
                "add_addresses": {"type": "list", "elements": "str", "aliases": ["add_address"]},
                "reason": {"type": "str"},
                "confirm_within": {"type": "str"},
                "confirm_if": {"type": "str"},
            }
        ),
        mutually_exclusive=[("runtime_only", "persist_only"), ("persist_only", "confirm_within")],
        required_by={"confirm_if": "confirm_within"},
        required_if=[("state", "applied", ("roles", "profiles"), True)],
        supports_check_mode=True,
    )
    states = {"applied": applied, "rolled_back": rolled_back, "confirmed": confirmed}
    cli.finish(module, states[module.params["state"]])


if __name__ == "__main__":
    main()
