"""From profiles, a workload and a machine to requirements: conditions, overrides, and the stronger of several roles."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from hosttune import addresses
from hosttune.errors import ProfileError
from hosttune.facts import kinds
from hosttune.model import Backend, BindMode, Caller, Machine, Operator, Requirement, Severity, Subject, Value, Workload
from hosttune.profile import contradictions
from hosttune.profile.demand import FUNCTIONS, NOTHING
from hosttune.profile.load import Profile, Row


def workload(profiles: Sequence[Profile], **given: Any) -> Workload:
    """Return the defaults of the profiles, the largest of each, under what was given (None: not given).

    Backends and sources of several profiles are joined, the way of binding is the last one's.
    """
    merged: dict[str, Any] = {"connections": 1, "rate": 1}
    seen: dict[str, list[Any]] = {}
    for profile in profiles:
        for key, value in profile.workload.items():
            seen.setdefault(key, []).append(value)
    for key, values in seen.items():
        merged[key] = _JOINED[key](values) if key in _JOINED else max(values)
    stated = {key: value for key, value in given.items() if value is not None}
    if "sources" in stated:
        # whoever names sources means them for every backend
        merged["backends"] = tuple(dataclasses.replace(b, sources=()) for b in merged.get("backends", ()))
    merged.update(stated)
    if "bind_mode" in stated and "bind_range" not in stated:
        merged.pop("bind_range", None)
    caller = Caller(mark=merged.pop("mark", None), device=merged.pop("device", None))
    return Workload(**merged, caller=caller)


def _backends(values: list[list[str | dict[str, Any]]]) -> tuple[Backend, ...]:
    """Return backends from their text: ADDRESS:PORT, or a table of that, a name, and the sources towards it."""
    joined: dict[tuple[str, str, int], Backend] = {}
    for entry in itertools.chain.from_iterable(values):
        table: dict[str, Any] = {"backend": entry} if isinstance(entry, str) else entry
        address, _, port = table["backend"].rpartition(":")
        numeric, zone = addresses.spelled(address)
        key = (addresses.reached(numeric), zone, int(port))
        sources = _sources([table.get("sources", [])])
        known = joined.get(key)
        name = known.name if known else table.get("name") or table["backend"]
        every = tuple(dict.fromkeys((*(known.sources if known else ()), *sources)))
        joined[key] = Backend(key[0], key[2], name, every, zone=zone)
    return tuple(joined.values())


def _sources(values: list[list[str]]) -> tuple[str, ...]:
    sources = dict.fromkeys(itertools.chain.from_iterable(values))
    return ("all",) if "all" in sources else tuple(dict.fromkeys(map(addresses.zoned, sources)))


_JOINED: dict[str, Callable[[list[Any]], Any]] = {
    "bind_mode": lambda values: BindMode(values[-1]),
    "bind_range": lambda values: tuple(values[-1]),
    "backends": _backends,
    "sources": _sources,
    "mark": lambda values: values[-1],
    "device": lambda values: values[-1],
}


def requirements(
    profiles: Sequence[Profile], workload: Workload, machine: Machine
) -> tuple[tuple[Requirement, ...], tuple[Requirement, ...]]:
    """Return those that hold here, and those that are waived; raises ProfileError where two roles cannot both hold."""
    merged: dict[tuple[Subject, Operator], Requirement] = {}
    for profile in profiles:
        for requirement in _of_profile(profile, workload, machine):
            key = (requirement.subject, requirement.operator)
            merged[key] = _stronger(merged[key], requirement) if key in merged else requirement
    contradictions.refuse(merged.values())
    rows = sorted(merged.values(), key=lambda r: (str(r.subject), r.operator))
    return tuple(r for r in rows if not r.waived), tuple(r for r in rows if r.waived)


def _of_profile(profile: Profile, workload: Workload, machine: Machine) -> list[Requirement]:
    """Return the profile's rows after its own overrides: a later row on a subject replaces, drops or waives it."""
    rows: dict[str, Row] = {}
    waived: dict[str, str] = {}
    for row in profile.rows:
        if not _applies(row.table.get("when", {}), machine):
            continue
        if row.table.get("drop"):
            rows.pop(row.subject, None)
        elif row.table.get("waive") and "operator" not in row.table:
            waived[row.subject] = row.table["waive"]
        else:
            # to the end of the line: an override stands where it was written
            rows.pop(row.subject, None)
            rows[row.subject] = row
    made = (_requirement(profile, row, workload, machine, waived.get(s, "")) for s, row in rows.items())
    return [requirement for requirement in made if NOTHING not in requirement.wants]


def _requirement(profile: Profile, row: Row, workload: Workload, machine: Machine, waived: str) -> Requirement:
    table = row.table
    wants = _wants(table, workload, machine)
    if kinds.is_pair(row.subject.partition(":")[0]):
        wants = tuple((want, want) if isinstance(want, int) else want for want in wants)
    return Requirement(
        subject=Subject.parse(row.subject),
        operator=Operator(table["operator"]),
        wants=wants,
        why="; ".join((table["why"], *(machine.queueing if table.get("demand") == "backlog" else ()))),
        source=table["source"],
        severity=Severity(table.get("severity", "warning")),
        roles=(profile.name,),
        unit=table.get("unit", ""),
        demand=table.get("demand", ""),
        waived=waived or table.get("waive", ""),
        to_default=table.get("to_default", False),
        number_source=table.get("number_source", ""),
        bounds=tuple(table.get("bounds", ())),
        origin=row.origin,
    )


def _wants(table: dict[str, Any], workload: Workload, machine: Machine) -> tuple[Value, ...]:
    if "demand" in table:
        value = FUNCTIONS[table["demand"]](workload, machine, table.get("params", {}))
        # empty: what is required is unknown, the finding says so
        return () if value is None else (value,)
    if "values" in table:
        return tuple(_value(v) for v in table["values"])
    return (_value(table["value"]),) if "value" in table else ()


def _value(value: Any) -> Value:
    return tuple(value) if isinstance(value, list) else value


def _applies(when: dict[str, Any], machine: Machine) -> bool:
    for key in ("distribution", "virtualisation", "cloud"):
        if when.get(key) and getattr(machine, key) not in when[key]:
            return False
    if when.get("container") is not None and when["container"] != bool(machine.container):
        return False
    return not when.get("kernel") or _kernel_holds(when["kernel"], machine.kernel)


def _kernel_holds(condition: str, kernel: str) -> bool:
    running = [int(n) for n in re.findall(r"\d{1,6}", kernel.partition("-")[0])[:3]]
    if not running:
        return False
    wanted = [int(n) for n in re.findall(r"\d+", condition)]
    newer = running[: len(wanted)] >= wanted
    return newer if condition.startswith(">=") else not newer


def _stronger(row: Requirement, other: Requirement) -> Requirement:
    """Return what serves both; waived only where both are, asked for by both where both require the same."""
    if bool(row.waived) != bool(other.waived):
        return other if row.waived else row
    wants = _both(row, other)
    ranked = max(row, other, key=lambda r: r.severity.rank)
    roles = row.roles + other.roles
    if wants == row.wants != other.wants:
        roles = row.roles
    elif wants == other.wants != row.wants:
        roles = other.roles
    reason = other if wants == other.wants != row.wants else row
    return dataclasses.replace(reason, wants=wants, severity=ranked.severity, roles=roles)


def _both(row: Requirement, other: Requirement) -> tuple[Value, ...]:
    if row.wants == other.wants:
        return row.wants
    if not row.wants or not other.wants:
        # what one of them requires is unknown, and so is what serves both
        return ()
    serves = _SERVES.get(row.operator)
    wants = serves(row.wants, other.wants) if serves else ()
    if wants:
        return wants
    raise ProfileError(
        f"{row.subject}: {row.origin} needs {row.operator} {row.wants}, {other.origin} needs {other.wants}; "
        "no value serves both roles, waive or drop one in your own profile"
    )


def _covering(values: tuple[Value, ...], other: tuple[Value, ...]) -> tuple[Value, ...]:
    a, b = values[0], other[0]
    if isinstance(a, tuple) and isinstance(b, tuple):
        return ((min(a[0], b[0]), max(a[1], b[1])),)
    return (f"{a},{b}",)


def _within(values: tuple[Value, ...], other: tuple[Value, ...]) -> tuple[Value, ...]:
    low, high = _extreme(values[0], other[0], max), _extreme(values[1], other[1], min)
    return (low, high) if isinstance(low, int) and isinstance(high, int) and low <= high else ()


_SERVES: dict[Operator, Callable[[tuple[Value, ...], tuple[Value, ...]], tuple[Value, ...]]] = {
    Operator.AT_LEAST: lambda values, other: (_extreme(values[0], other[0], max),),
    Operator.AT_MOST: lambda values, other: (_extreme(values[0], other[0], min),),
    Operator.COVERS: _covering,
    Operator.ONE_OF: lambda values, other: tuple(value for value in values if value in other),
    Operator.BETWEEN: _within,
}
"""What serves both of two requirements; () where nothing does."""


def _extreme(a: Value, b: Value, pick: Any) -> Value:
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        return tuple(pick(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, int) and isinstance(b, int):
        return int(pick(a, b))
    return b
