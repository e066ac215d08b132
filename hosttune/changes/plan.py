"""From findings to a plan: what to write where, in which order, or why nothing may be written."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.changes import kinds, promotion, refuse
from hosttune.changes.draft import Draft
from hosttune.changes.order import forward
from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts, Request
from hosttune.model import Finding, Plan


def plan(world: Planned, findings: Sequence[Finding], request: Request, facts: PlanFacts) -> Plan:
    """Return the plan; what already holds is not touched. Reads `world`, writes nothing."""
    draft = Draft(world, findings, request, facts)
    kinds.plan(draft)
    changes = [c for c in draft.changes if c.before != c.after]
    one_way = refuse.one_way(changes, facts)
    units = any(c.backend == "file" and c.target.startswith("/etc/systemd/system") for c in changes)
    return Plan(
        changes=promotion.around(world, forward(changes)),
        refusals=tuple(dict.fromkeys([*draft.refusals, *refuse.paths(world, changes)])),
        notes=tuple(dict.fromkeys([*draft.notes, *one_way.values()])),
        reload=units and facts.machine.systemd,
        restarts=tuple(sorted(set(draft.restarts))) if facts.machine.systemd else (),
        restart=request.restart,
        one_way=tuple(one_way),
    )
