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

    def take(self, one: Reported, tier: str, name: str = "") -> bool:
        """Say whether a report is that of a host of the tier: of that name, else of the next that is left."""
        names = self.left[tier]
        chosen = name if name in names else "" if name else next(iter(names), "")
        names.pop(chosen, None)
        if chosen:
            self.states[tier].append(_state(self.plans[tier], one, name or one.name))
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
    )


def _hosts(plan: TierPlan) -> list[str]:
    return [f"{plan.tier.name}-{number}" for number in range(1, (plan.tier.hosts or 0) + 1)]


def _call(sizing: Sizing, roll: _Roll, reports: Iterable[Reported | str]) -> int:
    """Enter each report, and return how many there were; those that only have a role fill what is left."""
    later: list[Reported] = []
    read = 0
    for one in reports:
        read += 1
        if isinstance(one, str):
            roll.unplaced.append(one)
        elif (named := _named(sizing, one)) is None:
            later.append(one)
        elif not roll.take(one, *named):
            roll.unplaced.append(f"{one.file}: {named[1]} is reported by another file already")
    for one in later:
        tier, why = _by_role(sizing, one)
        if not tier or not roll.take(one, tier):
            roll.unplaced.append(f"{one.file}: {why or f'{tier} has all its hosts already'}")
    return read


def _named(sizing: Sizing, one: Reported) -> tuple[str, str] | None:
    """Return tier and host of a report that names its host: by its profile, its file, its host name, its addresses."""
    stem = one.file.rpartition("/")[2].removesuffix(".json")
    names = [role.removeprefix(f"{sizing.topology.name}-") for role in one.roles]
    for name in (*names, stem, one.name):
        tier, _, number = name.rpartition("-")
        found = next((p.tier for p in sizing.tiers if p.tier.name == tier), None)
        if (
            found
            and number.isascii()
            and number.isdecimal()
            and 1 <= int(number) <= (found.hosts or 0)
            and name == f"{tier}-{int(number)}"
        ):
            return (tier, name)
    for plan in sizing.tiers:
        for index, address in enumerate(plan.tier.addresses[: plan.tier.hosts] if one.addresses else ()):
            if address in one.addresses:
                return (plan.tier.name, f"{plan.tier.name}-{index + 1}")
    return None


def _by_role(sizing: Sizing, one: Reported) -> tuple[str, str]:
    """Return the tier whose role the report has, else "" and why not."""
    found = [p.tier.name for p in sizing.tiers if p.tier.role in one.roles]
    if len(found) == 1:
        return (found[0], "")
    roles = ", ".join(one.roles) or "none"
    if not found:
        return ("", f"its role ({roles}) is that of no tier; check it with its profile of `plan --emit`")
    return (
        "",
        f"its role ({roles}) is that of {' and '.join(found)}; name the file after its host, such as {found[0]}-1.json",
    )


def _state(plan: TierPlan, one: Reported, name: str) -> HostState:
    """Hold one report against the share of a host."""
    load, problems = plan.workload, []
    carries, binds = _carries(plan, one)
    if one.sockets != load.sockets_per_connection:
        said = f"its report counts {one.sockets} sockets a connection, the plan has {load.sockets_per_connection}"
        problems.append(f"{said}: check it with its profile")
        carries, binds = None, ""
    elif one.connections < load.connections or one.rate < load.rate:
        asked = f"{one.connections:,} connections at {one.rate:,}/s"
        said = f"it was asked for {asked}, the plan has {load.connections:,} at {load.rate:,}/s"
        problems.append(f"{said}: check it with its profile")
    problems += [f"FAIL {text}" for text in one.failed] + [f"DRIFT {text}" for text in one.drifted]
    if carries is not None and carries < load.connections:
        problems.append(f"stalls at {carries:,} of {load.connections:,} connections: {binds}")
    return HostState(
        name=name,
        tier=plan.tier.name,
        file=one.file,
        carries=carries,
        binds=binds,
        failed=len(one.failed),
        drifted=len(one.drifted),
        problems=tuple(problems),
    )


def _carries(plan: TierPlan, one: Reported) -> tuple[int | None, str]:
    known = [(b.hard, b.name) for b in one.bounds if b.unit == "connections" and isinstance(b.hard, int)]
    if plan.tier.connections_max is not None:
        known.append((plan.tier.connections_max, f"connections_max of {plan.tier.name}"))
    return min(known, default=(None, ""))


def _tier(plan: TierPlan, states: list[HostState]) -> FleetTier:
    wanted = plan.tier.hosts or 0
    told = [s.carries for s in states if s.carries is not None]
    whole = len(told) == wanted and wanted > 0
    weak = min((s for s in states if s.carries is not None), key=lambda s: (s.carries, s.name), default=None)
    return FleetTier(
        tier=plan.tier.name,
        wanted=wanted,
        found=len(states),
        ready=sum(s.ready for s in states),
        evenly=math.floor(min(told) * wanted / plan.factor) if whole else None,
        together=math.floor(sum(told) / plan.factor) if whole else None,
        weakest=f"{weak.name} stalls at {weak.carries:,}: {weak.binds}" if weak else "",
    )


def weakest(reports: Iterable[Reported]) -> tuple[Bound, ...]:
    """Return of each bound that of the weakest host, by name; what one could not tell counts as that."""
    found: dict[str, Bound] = {}
    for one in reports:
        for bound in one.bounds:
            mine = dataclasses.replace(bound, name=f"{bound.name} ({one.name})")
            known = found.get(bound.id)
            if known is None or _weaker(mine, known):
                found[bound.id] = mine
    return tuple(found.values())


def _weaker(one: Bound, other: Bound) -> bool:
    if isinstance(one.hard, int) and isinstance(other.hard, int):
        return one.hard < other.hard
    return isinstance(one.hard, int) or other.hard is None
