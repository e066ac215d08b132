"""A plan as a POSIX shell script, for those whose change process wants one."""

from __future__ import annotations

import re
import shlex

from hosttune.model import Change, FileState, Plan
from hosttune.render._figures import clean


def render(plan: Plan, command: str) -> str:
    """Return a script that makes the changes in the same order; it keeps no way back."""
    lines = [
        "#!/bin/sh",
        f"# What `{clean(command)}` would do, as planned on this host. It keeps no way back: `hosttune apply` does.",
        "set -eu",
    ]
    for change in plan.changes:
        lines += ["", *_comment(change), *_change(change)]
    if plan.reload:
        lines += ["", "systemctl daemon-reload"]
    if plan.restart:
        lines += [f"systemctl restart -- {shlex.quote(unit)}" for unit in plan.restarts]
    return "\n".join(lines) + "\n"


def _comment(change: Change) -> list[str]:
    if change.backend == "file":
        return []
    before = "" if change.before is None else f"{change.target} was {change.before}. "
    said = clean(f"{before}{change.why}").strip()
    return [f"# {said}"] if said else []


def _change(change: Change) -> list[str]:
    if change.backend == "sysctl":
        # the words of a key that are separated by dots are a path; a slash stands for a dot within a word
        path = "/proc/sys/" + change.target.translate({46: 47, 47: 46})
        return [f"printf '%s\\n' {shlex.quote(str(change.after))} > {shlex.quote(path)}"]
    if change.backend == "directory":
        return [f"mkdir -m 0755 {shlex.quote(change.target)}"]
    if change.backend == "prlimit":
        soft, hard = str(change.after).split()
        return [f"prlimit --pid {change.target.partition(':')[0]} --nofile={soft}:{hard}"]
    if change.backend == "address":
        address, _, interface = change.target.rpartition("@")
        return [f"ip address add {shlex.quote(address)} dev {shlex.quote(interface)}"]
    return _file(change.target, change.after)


def _file(path: str, state: object) -> list[str]:
    target = shlex.quote(path)
    if not isinstance(state, FileState):
        return [f"rm -f {target}"]
    directory, _, name = path.rpartition("/")
    temporary = shlex.quote(f"{directory}/.{name}.new")
    end = "END"
    while re.search(rf"^{end}$", state.text, re.M):
        end += "_"
    body = state.text[:-1] if state.text.endswith("\n") else state.text
    return [
        f"cat > {temporary} <<'{end}'",
        body,
        end,
        f"chmod {state.mode:04o} {temporary}",
        f"mv -f {temporary} {target}",
    ]
