"""Reports of real hosts held against a plan: who is not ready, who is missing, and what the whole would reach today."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from hosttune.model import Bound, Fleet, FleetTier, HostState, Reported, Sizing, TierPlan


@dataclasses.dataclass(slots=True)
class _Roll:
    """Who has reported: planned hosts that nobody has reported for yet, by tier, and the states of the others."""

    plans: dict[str, TierPlan]
    left: dict[str, dict[str, None]]
    states: dict[str, list[HostState]]
    unplaced: list[str]

    def take(self, report: Reported, tier: str, name: str = "") -> bool:
        """Say whether a report is that of a host of the tier: of that name, else of the next that is left."""
        names = self.left[tier]
        chosen = name if name in names else "" if name else next(iter(names), "")
        names.pop(chosen, None)
        if chosen:
            self.states[tier].append(_state(self.plans[tier], report, name or report.name))
        return bool(chosen)


def fleet(sizing: Sizing, reports: Iterable[Reported | str]) -> Fleet:
    """Hold reports against a sizing, one at a time; a text in the place of one says why a file is none."""
    plans = {plan.tier.name: plan for plan in sizing.tiers}
    left = {name: dict.fromkeys(_hosts(plan)) for name, plan in plans.items()}
    roll = _Roll(plans, left, {name: [] for name in plans}, [])
    read = _call(sizing, roll, reports)
    tiers = tuple(_tier(plan, roll.states[name]) for name, plan in plans.items())
    known = [(tier.evenly, tier) for tier in tiers if tier.evenly is not None]
    reaches, narrow = min(known, key=lambda pair: pair[0], default=(None, None))
    return Fleet(
        sizing=sizing,
        tiers=tiers,
        waiting=tuple(state for states in roll.states.values() for state in states if not state.ready),
        missing=tuple(name for names in left.values() for name in names),
        unplaced=tuple(roll.unplaced),
        reaches=reaches if len(known) == len(tiers) else None,
        narrowest=f"{narrow.tier}: {narrow.weakest}" if narrow else "",
        read=read,
        ready=tuple(state for states in roll.states.values() for state in states if state.ready),
    )


def _hosts(plan: TierPlan) -> list[str]:
    return [f"{plan.tier.name}-{number}" for number in range(1, (plan.tier.hosts or 0) + 1)]


def _call(sizing: Sizing, roll: _Roll, reports: Iterable[Reported | str]) -> int:
    """Enter each report, and return how many there were; those that only have a role fill what is left."""
    later: list[Reported] = []
    read = 0
    for report in reports:
        read += 1
        if isinstance(report, str):
            roll.unplaced.append(report)
        elif (named := _named(sizing, report)) is None:
            later.append(report)
        elif not roll.take(report, *named):
            roll.unplaced.append(f"{report.file}: {named[1]} is reported by another file already")
    for report in later:
        tier, why = _by_role(sizing, report)
        if not tier or not roll.take(report, tier):
            roll.unplaced.append(f"{report.file}: {why or f'{tier} has all its hosts already'}")
    return read


def _named(sizing: Sizing, report: Reported) -> tuple[str, str] | None:
    """Return tier and host of a report that names its host: by its profile, its file, its host name, its addresses."""
    stem = report.file.rpartition("/")[2].removesuffix(".json")
    names = [role.removeprefix(f"{sizing.topology.name}-") for role in report.roles]
    for name in (*names, stem, report.name):
        tier, _, number = name.rpartition("-")
        planned = next((p.tier for p in sizing.tiers if p.tier.name == tier), None)
        if (
            planned
            and number.isascii()
            and number.isdecimal()
            and 1 <= int(number) <= (planned.hosts or 0)
            and name == f"{tier}-{int(number)}"
        ):
            return (tier, name)
    for plan in sizing.tiers:
        for index, address in enumerate(plan.tier.addresses[: plan.tier.hosts] if report.addresses else ()):
            if address in report.addresses:
                return (plan.tier.name, f"{plan.tier.name}-{index + 1}")
    return None


def _by_role(sizing: Sizing, report: Reported) -> tuple[str, str]:
    """Return the tier whose role the report has, else "" and why not."""
    tiers = [p.tier.name for p in sizing.tiers if p.tier.role in report.roles]
    if len(tiers) == 1:
        return (tiers[0], "")
    roles = ", ".join(report.roles) or "none"
    if not tiers:
        return ("", f"its role ({roles}) is that of no tier; check it with its profile of `plan --emit`")
    return (
        "",
        f"its role ({roles}) is that of {' and '.join(tiers)}; name the file after its host, such as {tiers[0]}-1.json",
    )


def _state(plan: TierPlan, report: Reported, name: str) -> HostState:
    """Hold one report against the share of a host."""
    load, problems = plan.workload, []
    carries, binds = _carries(plan, report)
    if report.sockets != load.sockets_per_connection:
        problem = f"its report counts {report.sockets} sockets a connection, the plan has {load.sockets_per_connection}"
        problems.append(f"{problem}: check it with its profile")
        carries, binds = None, ""
    elif report.connections < load.connections or report.rate < load.rate:
        asked = f"{report.connections:,} connections at {report.rate:,}/s"
        problem = f"its target is {asked}, the plan has {load.connections:,} at {load.rate:,}/s"
        problems.append(f"{problem}: check it with its profile")
    problems += [f"FAIL {text}" for text in report.failed] + [f"DRIFT {text}" for text in report.drifted]
    if carries is not None and carries < load.connections:
        problems.append(f"limit {carries:,} of {load.connections:,} connections: {binds}")
    return HostState(
        name=name,
        tier=plan.tier.name,
        file=report.file,
        carries=carries,
        binds=binds,
        failed=len(report.failed),
        drifted=len(report.drifted),
        problems=tuple(problems),
    )


def _carries(plan: TierPlan, report: Reported) -> tuple[int | None, str]:
    known = [(b.hard, b.name) for b in report.bounds if b.unit == "connections" and isinstance(b.hard, int)]
    if plan.tier.connections_max is not None:
        known.append((plan.tier.connections_max, f"connections_max of {plan.tier.name}"))
    return min(known, default=(None, ""))


def _tier(plan: TierPlan, states: list[HostState]) -> FleetTier:
    wanted = plan.tier.hosts or 0
    carried = [s.carries for s in states if s.carries is not None]
    whole = len(carried) == wanted and wanted > 0
    weak = min((s for s in states if s.carries is not None), key=lambda s: (s.carries, s.name), default=None)
    return FleetTier(
        tier=plan.tier.name,
        wanted=wanted,
        found=len(states),
        ready=sum(s.ready for s in states),
        evenly=math.floor(min(carried) * wanted / plan.factor) if whole else None,
        together=math.floor(sum(carried) / plan.factor) if whole else None,
        weakest=f"{weak.name}, limit {weak.carries:,}: {weak.binds}" if weak else "",
    )


def weakest(reports: Iterable[Reported]) -> tuple[Bound, ...]:
    """Return of each bound that of the weakest host, by name; what one could not tell counts as that."""
    bounds: dict[str, Bound] = {}
    for report in reports:
        for bound in report.bounds:
            mine = dataclasses.replace(bound, name=f"{bound.name} ({report.name})")
            known = bounds.get(bound.id)
            if known is None or _weaker(mine, known):
                bounds[bound.id] = mine
    return tuple(bounds.values())


def _weaker(bound: Bound, other: Bound) -> bool:
    if isinstance(bound.hard, int) and isinstance(other.hard, int):
        return bound.hard < other.hard
    return isinstance(bound.hard, int) or other.hard is None
