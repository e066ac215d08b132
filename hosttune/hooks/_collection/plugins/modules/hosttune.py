# SPDX-License-Identifier: Apache-2.0
"""Make a host ready for its role, or take that back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hosttune
short_description: Make a host ready for very many TCP connections, or take that back
description:
  - Runs C(hosttune apply), C(hosttune confirm) or C(hosttune rollback) on the host. What is to be changed, in which
    order and whether it is safe, hosttune decides; the module tells it what is wanted and hands on what it answers.
  - An apply is one transaction with a journal. Where a write fails, all is as it was before, and the task fails.
version_added: "0.1.0"
author:
  - The hosttune maintainers (@hosttune)
extends_documentation_fragment:
  - hosttune.hosttune.common
attributes:
  check_mode:
    description: Says what would change, by C(--dry-run), and writes nothing.
    support: full
  diff_mode:
    description: Shows each file before and after, and each value of the running kernel.
    support: full
options:
  state:
    description:
      - V(applied) makes the host ready for what O(roles) and O(profiles) want; one of them is needed.
      - V(rolled_back) takes the apply O(id) back. Without O(id) it takes back the last one that is in force,
        so that a second run takes back the one before. What the host shall be is not read then.
      - V(confirmed) keeps the apply O(id) that was made with O(confirm_within), or without O(id) the one that waits.
        In a task of its own it shows that the host can still be reached.
    type: str
    choices: [applied, rolled_back, confirmed]
    default: applied
  id:
    description:
      - With O(state=rolled_back) or O(state=confirmed), the apply to take back or to keep, as RV(id) and
        C(hosttune history) name it.
    type: int
  force:
    description:
      - With O(state=rolled_back), take back also what somebody else has changed since.
    type: bool
    default: false
  confirm_within:
    description:
      - Take all back after this time, such as V(120s) or V(2m), unless O(state=confirmed) comes first; a reboot takes
        it back too. Until then it is only where a reboot forgets it.
    type: str
  confirm_if:
    description:
      - With O(confirm_within), a command of the shell that confirms by itself once it exits 0, such as a health check.
        It is tried again until the time is up; then all is taken back, and the task fails.
      - O(timeout) has to be longer than O(confirm_within).
    type: str
  only:
    description:
      - Kinds to write.
    type: list
    elements: str
    choices: [sysctl, limits, units, addresses]
  except:
    description:
      - Keys to leave alone, such as V(net.core.somaxconn).
    type: list
    elements: str
  allow_keys:
    description:
      - Sysctls of a profile to take although they concern none of connections, the memory of sockets, descriptors or
        processes. Any other is refused.
    type: list
    elements: str
    aliases: [allow_key]
  netns:
    description:
      - Write the running values of this network namespace (ip netns), and no file.
    type: str
  runtime_only:
    description:
      - Write nothing that survives a boot.
    type: bool
    default: false
  persist_only:
    description:
      - Write files only, for the next boot.
    type: bool
    default: false
  live:
    description:
      - Raise the limits of running processes too.
    type: bool
    default: false
  restart:
    description:
      - Restart the services whose limits change; without it they keep their old ones until they are started again.
    type: bool
    default: false
  reserve_listeners:
    description:
      - Reserve the ports that services listen on.
    type: bool
    default: false
  add_addresses:
    description:
      - Source addresses to add, each as C(FIRST[-LAST]/PREFIX@INTERFACE).
    type: list
    elements: str
    aliases: [add_address]
  reason:
    description:
      - Why, in one line, for C(hosttune history).
    type: str
seealso:
  - module: hosttune.hosttune.hosttune_info
  - module: hosttune.hosttune.hosttune_facts
"""

EXAMPLES = r"""
- name: Make this host ready for a million connections
  hosttune.hosttune.hosttune:
    role: lb
    connections: 1000000
    backends: [10.0.0.11:1883, 10.0.0.12:1883]

- name: Apply a profile of your own, and let the services have their new limits at once
  hosttune.hosttune.hosttune:
    profile: /etc/hosttune/profiles/edge.toml
    restart: true
  register: applied

- name: Make it ready, and have it taken back unless the host can still be reached
  hosttune.hosttune.hosttune:
    role: lb
    confirm_within: 120s
  register: tried

- name: Connect anew
  ansible.builtin.meta: reset_connection

- name: Keep it
  hosttune.hosttune.hosttune:
    state: confirmed
    id: "{{ tried.id }}"
  when: tried.id is not none

- name: Take that apply back
  hosttune.hosttune.hosttune:
    state: rolled_back
    id: "{{ applied.id }}"
  when: applied.id is not none
"""

RETURN = r"""
id:
  description: The apply that was made or taken back; null where there was nothing to do, and in check mode of an apply.
  type: int
  returned: always
notes:
  description: What was left alone and why, what was healed, and what is to be done by hand.
  type: list
  elements: str
  returned: always
not_in_force:
  description: What was written and is held by something else at the end, which fails the task.
  type: list
  elements: dict
  returned: where O(state=applied)
damaged:
  description: Records of the journal that cannot be used, each with what to do.
  type: list
  elements: dict
  returned: always
refused:
  description: Why nothing was written.
  type: list
  elements: str
  returned: where O(state=applied)
until:
  description: When all is taken back unless it is confirmed, in UTC; null where it need not be.
  type: str
  returned: where O(state=applied)
  sample: "2026-11-24T22:58:17Z"
kept:
  description: What somebody else has changed since, and was left.
  type: list
  elements: str
  returned: where O(state=rolled_back)
capacity:
  description: Connections that the host carries, before and after.
  type: str
  returned: where O(state=applied)
  sample: "capacity 28,232 -> 1,000,100 connections"
report:
  description: The whole answer, as the JSON schemas hosttune/apply/1, hosttune/confirm/1, hosttune/rollback/1 have it.
  type: dict
  returned: success
"""

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
        why = cli.listed(document["refused"]) or answer.said
        cli.fail(module, f"refused: {why}", answer.code, answer.said, **result)
    if answer.code == 1:
        wrong = [lost(one) for one in document["not_in_force"]]
        wrong += [f"{row['subject']}: {row['because']}" for row in document["results"] if row["verdict"] == "FAIL"]
        cli.fail(
            module,
            f"apply {document.get('id')} was made, and this does not hold: {cli.listed(wrong)}",
            answer.code,
            answer.said,
            **result,
        )
    return {**result, "report": document}


def rolled_back(module: AnsibleModule) -> dict[str, t.Any]:
    """Take an apply back, or say what that would change."""
    params = module.params
    ignored = [name for name in APPLY_ONLY if params[name]]
    if ignored:
        module.fail_json(msg=f"{', '.join(ignored)}: an apply is taken back as a whole; leave it out")
    line = ["rollback"]
    if params["id"] is not None:
        line.append(str(params["id"]))
    own = {"force": "--force", "restart": "--restart", "reason": "--reason"}
    line += cli.words(params, own) + cli.where(params)
    keys = {"changed": bool, "diff": str, "kept": list, "notes": list, "damaged": list}
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
        "notes": document["notes"],
        "kept": document["kept"],
        "damaged": document["damaged"],
    }
    if module._diff:
        result["diff"] = {"prepared": document["diff"]}
    if answer.code == 1:
        why = cli.listed([*document["kept"], *document["notes"]]) or answer.said
        cli.fail(module, "not all was taken back: " + why, answer.code, answer.said, **result)
    return {**result, "report": document}


def lost(one: dict[str, t.Any]) -> str:
    """Return what was written and does not hold, with who holds it."""
    there = "is there now" if one["when"] == "now" else "comes at boot"
    by = "".join(f", {who}" for who in one["by"])
    return f"{one['target']}: {one['wrote']} was written, {one['holds']} {there}{by}"


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
        one = {"before_header": change["target"], "after_header": change["target"]}
        for when in ("before", "after"):
            one[when] = (change[when] or {}).get("text", "")
        shown.append(one)
    return shown + ([{"prepared": "\n".join(lines) + "\n"}] if lines else [])


def main() -> None:
    """Do what the task asks for."""
    module = AnsibleModule(
        argument_spec=cli.options(
            **{
                "state": {"type": "str", "choices": ["applied", "rolled_back", "confirmed"], "default": "applied"},
                "id": {"type": "int"},
                "force": {"type": "bool", "default": False},
                "only": {"type": "list", "elements": "str", "choices": ["sysctl", "limits", "units", "addresses"]},
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
