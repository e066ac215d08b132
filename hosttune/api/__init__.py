"""The library: what each verb of the command line does, typed in and typed out.

Every function returns a noun of `hosttune.model` and raises an error of `hosttune.errors`. None of them prints, reads
the command line or changes anything of this process: another network namespace is entered by a thread of its own, but
for one that is written, which the calling thread enters and leaves.
`options`, `place` and the others of `hosttune.options` say what is asked, each with the same names as the options of
the command line; `command` is how the caller would write the same question, for reports that print the next one.
`tell` is called with each sentence that a person should read beside the answer: a warning of a profile that others can
write, what is waited for. `progress` is called with each step of what takes more than a moment, and with None once
nothing is waited for; where it returns False, what can end early does, with what is done so far.
"""

from __future__ import annotations

from hosttune.api.acting import (
    apply,
    apply_emit,
    apply_script,
    confirm,
    history,
    rollback,
    sources_add,
    sources_plan,
    sources_remove,
)
from hosttune.api.looking import (
    capacity,
    check,
    diagnose,
    diff,
    explain,
    node,
    prove,
    report,
    requirements,
    resolve,
    roles,
    snapshot,
    validate,
    watch,
)
from hosttune.api.planning import emit, fleet, plan, topology_text

__all__ = [
    "apply",
    "apply_emit",
    "apply_script",
    "capacity",
    "check",
    "confirm",
    "diagnose",
    "diff",
    "emit",
    "explain",
    "fleet",
    "history",
    "node",
    "plan",
    "prove",
    "report",
    "requirements",
    "resolve",
    "roles",
    "rollback",
    "snapshot",
    "sources_add",
    "sources_plan",
    "sources_remove",
    "topology_text",
    "validate",
    "watch",
]
