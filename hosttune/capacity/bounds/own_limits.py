"""Limits that the program sets itself: of all it carries, of what enters at one place, of what a section is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Configuration, Entry, OwnLimit, Remedy, Scope, Section

_NAMED = 3


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return each limit of the configuration that was read, and what those that share connections come to."""
    configuration = facts.configuration
    if configuration is None:
        return ()
    return (
        *(_of(facts, limit, Scope.PROGRAM, facts.carried or None) for limit in configuration.limits),
        *_of_entries(facts, _carrying(configuration)),
        *(bound for section in configuration.sections for bound in _of_section(facts, section)),
    )


def _carrying(configuration: Configuration) -> list[Entry]:
    """Return the entries whose connections are led somewhere; of a program that has them end here, all."""
    if not configuration.sections:
        return [*configuration.entries]
    return [entry for entry in configuration.entries if entry.leads]


def _of(facts: CapacityFacts, limit: OwnLimit, scope: Scope, used: int | None = None) -> Bound:
    rate = limit.unit != "connections"
    want = facts.workload.rate if rate else facts.workload.connections
    short = limit.most < want
    return Bound(
        kind=limit.kind,
        scope=scope,
        name=f"{limit.setting} of {limit.of or facts.dialler}",
        hard=limit.most,
        used=used if limit.used is None else limit.used,
        reads=limit.where or f"the default of {facts.dialler}: no file sets it",
        fails=limit.fails,
        remedies=(_remedy(limit, want),) if short else (),
        notes=(*_reckoned(limit), *limit.notes),
        unit=limit.unit,
        of=limit.of,
    )


def _remedy(limit: OwnLimit, want: int) -> Remedy:
    value = limit.value_for(want)
    subject = f"{limit.kind}:{limit.of}" if limit.of else limit.kind
    where = f" ({limit.where})" if limit.where else ""
    return Remedy(subject, value, None, limit.unit, f"{limit.setting} {value}{where}")


def _reckoned(limit: OwnLimit) -> tuple[str, ...]:
    """Return how the connections follow from the value, where they are not the same."""
    if (limit.each, limit.kept, limit.copies) == (1, 0, 1) and limit.part == 1:
        return ()
    copies = f"{limit.copies:,} times " if limit.copies > 1 else ""
    kept = f", less {limit.kept:,} that the program takes" if limit.kept else ""
    each = f", {limit.each} for each connection" if limit.each > 1 else ""
    part = f", for {float(limit.part):.4g} of the connections" if limit.part != 1 else ""
    return (f"{copies}{limit.setting} {limit.value:,}{kept}{each}{part}",)


def _of_entries(facts: CapacityFacts, entries: Sequence[Entry]) -> Iterator[Bound]:
    """Yield the limits of each place where connections enter, and their sum where all have one."""
    for entry in entries:
        yield from (_of(facts, limit, Scope.LISTENER) for limit in entry.limits)
    entries = [entry for entry in entries if not entry.inner]
    least = [_least(entry.limits) for entry in entries]
    limits = [limit for limit in least if limit]
    if len(limits) < 2 or len(limits) < len(entries):
        return
    yield Bound(
        kind=limits[0].kind,
        scope=Scope.ALL,
        name=f"{limits[0].setting} of all {len(limits):,} listeners",
        hard=sum(limit.most for limit in limits),
        used=_used(limits),
        reads=_places(limits),
        fails=limits[0].fails,
    )


def _least(limits: Sequence[OwnLimit]) -> OwnLimit | None:
    """Return the one of several limits on the same connections that is met first."""
    return min((limit for limit in limits if limit.unit == "connections"), key=lambda limit: limit.most, default=None)


def _of_section(facts: CapacityFacts, section: Section) -> Iterator[Bound]:
    """Yield the limits of a section, and what its servers are given together where each of them has a limit."""
    yield from (_of(facts, limit, Scope.SECTION) for limit in section.limits)
    every = [*(server.most for server in section.servers), *(other.most for other in section.portless)]
    limits = [limit for limit in every if limit]
    if not limits or len(limits) < len(every):
        return
    hard, want = sum(limit.most for limit in limits), facts.workload.connections
    first = limits[0]
    remedies: tuple[Remedy, ...] = ()
    if hard < want:
        each = first.value_for(-(-want // len(limits)))
        text = f"{first.setting} {each}" + (f" on each of {len(limits):,} servers" if len(limits) > 1 else "")
        remedies = (Remedy(f"{first.kind}:{section.name}", each, None, "connections", text),)
    yield Bound(
        kind=first.kind,
        scope=Scope.SECTION,
        name=f"{first.setting} of the servers of {section.name}",
        hard=hard,
        reads=_places(limits),
        used=_used(limits),
        fails=first.fails,
        remedies=remedies,
        notes=tuple(dict.fromkeys(note for limit in limits for note in limit.notes)),
        of=section.name,
    )


def _used(limits: Sequence[OwnLimit]) -> int | None:
    """Return what the running program says that its servers have, None where it does not."""
    used = [limit.used for limit in limits if limit.used is not None]
    return sum(used) if used else None


def _places(limits: Sequence[OwnLimit]) -> str:
    places = list(dict.fromkeys(limit.where for limit in limits if limit.where))
    more = f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""
    return ", ".join(places[:_NAMED]) + more
