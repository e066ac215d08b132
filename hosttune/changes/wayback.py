"""Decide the way back: from the records that are in force to the writes that take one of them off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hosttune.changes import backends, entries, promotion
from hosttune.changes.order import backward, forward, lasting
from hosttune.changes.planned import Planned
from hosttune.changes.record import Instance, Record, Status
from hosttune.changes.request import Request
from hosttune.errors import HostError, RefusedError
from hosttune.host import WritableHost
from hosttune.model import Change, FileState, Plan, Reason, State
from hosttune.resolve.pam_limits import hard_limits
from hosttune.resolve.systemd_limits import nr_open, nr_open_at_boot

Replan = Callable[[Planned, Request], Plan]
"""Plan a request anew on a host as it would be without the one that comes off."""

Target = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WayBack:
    """The writes of a rollback in order, what the remaining records' changes become, and what stays.

    `kept` are sentences on what stays, `left` the changes of the record that do.
    """

    changes: tuple[Change, ...] = ()
    rewrites: dict[int, tuple[Change, ...]] = dataclasses.field(default_factory=dict)
    kept: tuple[str, ...] = ()
    left: tuple[Change, ...] = ()


@dataclass(slots=True)
class _Chain:
    """What happened to one target: what it held before, what the last apply left, and from which record on it counts.

    Where somebody else has changed it between two applies, what was before that is out of reach: the chain begins
    anew with what the later apply found, and what earlier ones want of the target counts no more.
    """

    before: State
    after: State
    first: int


def interrupted(records: Sequence[Record]) -> list[Record]:
    """Return the records whose apply, confirm or rollback did not come to its end."""
    return [r for r in records if r.status in (Status.APPLYING, Status.CONFIRMING, Status.ROLLING_BACK)]


def way_back(
    host: WritableHost, records: Sequence[Record], chosen: Record, replan: Replan, instance: Instance, force: bool
) -> WayBack:
    """Return what takes `chosen` off: each target gets what it had before all, and what the remaining ones want.

    A target that holds neither what the last apply left nor what it shall get was changed by somebody else: it is
    kept and named, unless `force`. Raises RefusedError where the record belongs to another network namespace.
    """
    if not force:
        refuse_elsewhere(chosen, instance)
    whole = [
        dataclasses.replace(r, changes=lasting(r.changes))
        for r in records
        # what was written into a namespace by its name was judged there alone: the files of the host are none of it
        if r.status in (Status.APPLIED, Status.PARTLY) and (r.id == chosen.id or _together(r, chosen))
    ]
    standing = [_reachable(host, record, instance) for record in whole]
    chains = _chains(standing, chosen.id)
    world = Planned(host, [Change(b, t, None, chain.before) for (b, t), chain in chains.items()])
    world, rewrites = _replanned(world, whole, standing, chosen.id, chains, replan)
    changes, kept = _writes(host, world, chains, rewrites, {change.key for change in chosen.changes}, force)
    changes, held = _hold_nr_open(host, changes, kept)
    left = tuple(dataclasses.replace(c, after=held.get(c.key, c.after)) for c in chosen.changes if c.key in kept)
    notes = tuple(sentence for sentence in kept.values() if sentence)
    return WayBack(promotion.around(host, backward(changes)), rewrites, notes, left)


def _replanned(
    world: Planned,
    whole: Sequence[Record],
    standing: Sequence[Record],
    chosen: int,
    chains: dict[Target, _Chain],
    replan: Replan,
) -> tuple[Planned, dict[int, tuple[Change, ...]]]:
    """Return the host as the remaining records want it without the chosen one, and what their changes become.

    `standing` is what this run can reach of the `whole` records.
    """
    served = {subject for record in standing for change in record.changes for subject in change.serves}
    rewrites: dict[int, tuple[Change, ...]] = {}
    for number, (record, all_of_it) in enumerate(zip(standing, whole, strict=True)):
        if record.id == chosen or record.status is Status.PARTLY:
            continue
        planned = lasting(replan(world, _only(record.request, served)).changes)
        made = [c for c in planned if _counts(c, chains, number)]
        world = world.with_(made)
        # what cannot be reached from here, or stands no more, stays on record as it is
        old = [c for c in all_of_it.changes if c not in record.changes or not _counts(c, chains, number)]
        rewrites[record.id] = forward([*old, *made])
    return world, rewrites


def _writes(
    host: WritableHost,
    world: Planned,
    chains: dict[Target, _Chain],
    rewrites: dict[int, tuple[Change, ...]],
    own: set[Target],
    force: bool,
) -> tuple[list[Change], dict[Target, str]]:
    """Return the writes that make the host `world`, and why a target is kept; `own` are the targets of the chosen."""
    changes: list[Change] = []
    kept: dict[Target, str] = {}
    for target in dict.fromkeys([*chains, *(c.key for made in rewrites.values() for c in made)]):
        write = _write(host, target, world, chains.get(target), target in own, force)
        if isinstance(write, str):
            kept[target] = write
        elif write is not None:
            changes.append(write)
    return changes, kept


def _write(
    host: WritableHost, target: Target, world: Planned, chain: _Chain | None, own: bool, force: bool
) -> Change | str | None:
    """Return the write that a target needs, None for none, or the sentence on why it is kept ("" goes unsaid)."""
    backend, name = target
    wanted = world.current(backend, name)
    try:
        now = backends.read(host, backend, name)
    except HostError as error:
        if backend == "sysctl":
            # its module is unloaded and the value with it, or it is not visible here
            return None if error.reason is Reason.ABSENT else f"{name}: {error}; left alone"
        now = None  # something else than a regular file has its name
    if backends.same(now, wanted) or (backend == "prlimit" and now is None):
        return None  # a process that has ended took its limits with it
    if chain is not None and not backends.same(now, chain.after):
        if not own:
            return None  # is named when its own apply comes off
        if not force:
            sentence = f"{name} was changed by somebody else since: {_difference(chain.after, now)}"
            return f"{sentence}; left alone"
    return Change(backend, name, now, wanted)


def _chains(records: Sequence[Record], chosen: int) -> dict[Target, _Chain]:
    chains: dict[Target, _Chain] = {}
    taken: set[Target] = set()
    for number, record in enumerate(records):
        for change in record.changes:
            target = change.key
            before = chains.get(target)
            if before is not None and backends.same(before.after, change.before):
                before.after = change.after
            else:
                others = before is not None or target in taken
                chains[target] = _Chain(change.before, change.after, number if others else 0)
            if record.status is Status.PARTLY and record.id != chosen:
                del chains[target]  # others have changed it: it counts no more, unless a later apply did again
                taken.add(target)
    return chains


def _counts(change: Change, chains: dict[Target, _Chain], number: int) -> bool:
    """Say whether a record's change of a target still stands: nobody else has changed it since."""
    chain = chains.get(change.key)
    return chain is None or number >= chain.first


def _only(request: Request, served: set[str]) -> Request:
    """Return the request without what no apply has touched: that held by itself, and may be others' by now."""
    kept = tuple(r for r in request.requirements if str(r.subject) in served)
    return dataclasses.replace(request, requirements=kept)


def _reachable(host: WritableHost, record: Record, instance: Instance) -> Record:
    """Return a record without what this run cannot reach: the values of a kernel, a boot, a namespace of its own."""
    away = not host.runs or elsewhere(record, instance)
    ended = not record.request.persist and record.where.boot and instance.boot not in ("", record.where.boot)
    if not (away or ended):
        return record
    request = dataclasses.replace(record.request, runtime=False)
    changes = tuple(c for c in record.changes if not backends.runtime(c.backend))
    return dataclasses.replace(record, request=request, changes=changes)


def _together(record: Record, other: Record) -> bool:
    """Say whether two records are of one world: both of the host and its files, or of one named namespace."""
    return (record.where.name, other.where.name) == ("", "") or record.where == other.where


def elsewhere(record: Record, instance: Instance) -> bool:
    """Say whether a record was made in another network namespace of this very boot."""
    there = record.where
    return bool(there.boot) and there.boot == instance.boot and there.namespace != instance.namespace


def of_namespace(change: Change) -> bool:
    """Say whether a change is of a network namespace, so that only from there it can be taken back."""
    return change.backend in ("address", "anyip") or change.target.startswith("net.")


def away(record: Record, instance: Instance) -> bool:
    """Say whether a record has values that lie in another network namespace than this one."""
    return elsewhere(record, instance) and any(map(of_namespace, record.changes))


def refuse_elsewhere(chosen: Record, instance: Instance) -> None:
    """Raise RefusedError for a record whose values lie in another network namespace."""
    if not away(chosen, instance):
        return
    if chosen.where.name:
        raise RefusedError(
            f"apply {chosen.id} was made in the network namespace {chosen.where.name}, which is gone, or another has "
            f"its name: its values ended with it; `hosttune rollback {chosen.id} --force` takes it off the list"
        )
    raise RefusedError(
        f"apply {chosen.id} was made in another network namespace ({chosen.where.namespace}, here it is "
        f"{instance.namespace}), whose values this one does not reach: run `hosttune rollback {chosen.id}` there; "
        "where it is gone, --force undoes the files alone"
    )


def _hold_nr_open(
    host: WritableHost, changes: list[Change], kept: dict[Target, str]
) -> tuple[list[Change], dict[Target, State]]:
    """Leave fs.nr_open where it is if a line of limits.conf(5) would stand above it: its logins would fail.

    Returns the changes, and the states in which what holds it is left.
    """
    if not any(c.target == "fs.nr_open" or "fs.nr_open" in _settings(c.before) for c in changes):
        return changes, {}
    try:
        sentence = _above_nr_open(host, changes)
    except RefusedError as error:
        # a file that is too large to be configuration must not hold up the rest of the way back
        sentence = f"fs.nr_open stays: whether a login stands on it cannot be known: {error}"
    if not sentence:
        return changes, {}
    made: list[Change] = []
    held: dict[Target, State] = {}
    for change in changes:
        if change.target == "fs.nr_open":
            held[change.key] = change.before
        elif change.target.startswith("/etc/sysctl.d/") and (line := _settings(change.before).get("fs.nr_open")):
            made.append(_with(change, line))
            held[change.key] = made[-1].after
        else:
            made.append(change)
    kept |= {target: "" if number else sentence for number, target in enumerate(held)}
    return [c for c in made if not backends.same(c.before, c.after)], held


def _above_nr_open(host: WritableHost, changes: list[Change]) -> str:
    """Return the sentence on a line of limits.conf(5) that fs.nr_open would fall below, "" for none."""
    world = Planned(host, changes)
    # now and at the next boot are two ceilings: either one that falls below a line counts
    falls = [(layer(host), layer(world)) for layer in (nr_open, nr_open_at_boot)]
    lines = [
        (number, origin, before, after)
        for number, origin in hard_limits(world)
        for before, after in falls
        if isinstance(before, int) and isinstance(after, int) and after < number <= before
    ]
    if not lines:
        return ""
    number, origin, before, after = max(lines, key=lambda line: line[0])
    return (
        f"fs.nr_open stays {before:,}: {origin} gives logins {number:,} descriptors, and with {after:,} they would "
        "fail; lower that line, then roll back again"
    )


def _settings(state: State) -> dict[str, entries.Line]:
    return entries.parse(state.text, entries.SYSCTL) if isinstance(state, FileState) else {}


def _with(change: Change, line: entries.Line) -> Change:
    """Return the change of a drop-in so that the line of fs.nr_open stays in it."""
    old = change.after if isinstance(change.after, FileState) else change.before
    assert isinstance(old, FileState)
    settings = {"fs.nr_open": line, **_settings(change.after)}
    return dataclasses.replace(change, after=dataclasses.replace(old, text=entries.render(settings, like=old.text)))


def _difference(ours: State, now: State) -> str:
    if now is None:
        return "it is gone"
    if isinstance(now, FileState) or isinstance(ours, FileState):
        return "its text, mode or owner is another"
    return f"{ours} then, {now} now"
