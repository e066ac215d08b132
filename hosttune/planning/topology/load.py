"""Find a topology and turn it into one of the model: a file of one's own, or one that ships."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hosttune.errors import TopologyError, UsageError
from hosttune.host.owners import Doubt
from hosttune.model.capacity import Workload
from hosttune.model.topology import Message, Tier, Topology
from hosttune.planning.topology import keys
from hosttune.profile import built_in, merge
from hosttune.profile import load as profiles
from hosttune.resolve import toml_file

if TYPE_CHECKING:
    from hosttune.planning.topology.schema import File, Hosted, Wrong


def names() -> tuple[str, ...]:
    """Return the names of the topologies that ship, sorted."""
    return built_in.topologies()


def text(name: str) -> str:
    """Return a topology file as it is written; raises UsageError where there is none."""
    return toml_file.read(_find(name), "topology", TopologyError).text


def load(
    name: str,
    overrides: Sequence[str] = (),
    directories: Sequence[Path] = (),
    weigh: Callable[[Sequence[Doubt]], None] = lambda doubts: None,
) -> Topology:
    """Return the topology of a file, or of a name that ships, with the values of `overrides` (KEY=VALUE) in it.

    `directories` hold profiles of one's own, which tiers may have as their role. `weigh` is given what lets others than
    root write the file. Raises UsageError where there is no such file, TopologyError, one line, where it is wrong:
    file, tier, key, and how to fix it.
    """
    path = _find(name)
    file = toml_file.read(path, "topology", TopologyError)
    weigh(file.doubts)
    return of_tables(file.tables, path, overrides, directories)


def of_tables(
    tables: dict[str, Any], path: Path, overrides: Sequence[str] = (), directories: Sequence[Path] = ()
) -> Topology:
    """Return the topology of the tables of a file; raises TopologyError, or what is wrong with a tier's profile."""
    from hosttune.planning.topology import overrides as setting
    from hosttune.planning.topology import schema

    given: dict[setting.Place, str] = {}

    def wrong(text: str, *places: setting.Place) -> TopologyError:
        table, key = places[0] if places else ("", "")
        by = next((place for place in places if place in given), None)
        where = f"--set {given[by]}" if by else str(path)
        # what the command line says itself is not said again
        if table and (by is None or by[0] != table):
            where += f": [{table}]"
        if key and by != (table, key):
            where += f": {key}"
        return TopologyError(keys.printed(f"{where}: {text}"))

    if overrides:
        schema.shape(tables, wrong)
        tables, given = setting.apply(tables, overrides, schema.KEYS)
    return _checked(schema.read(tables, wrong), path, directories, wrong)


def _shipped() -> Path:
    return built_in.directory() / "topologies"


def _find(name: str) -> Path:
    if built_in.NAME.fullmatch(name) and (_shipped() / f"{name}.toml").is_file():
        return _shipped() / f"{name}.toml"
    if "/" in name or name.endswith(".toml") or os.path.isfile(name):
        return Path(name)
    raise UsageError(keys.printed(f"{name!r}: no such topology or file; {keys.nearest(name, names())}"))


def _checked(file: File, path: Path, directories: Sequence[Path], wrong: Wrong) -> Topology:
    """Return the topology of a file that holds to the schema, if it can be planned."""
    from hosttune.planning.topology import graph, validate

    roles = profiles.names(directories)
    tiers = [_tier(name, hosted, path, roles, wrong) for name, hosted in file.tier.items()]
    workloads: dict[str, Workload] = {}
    for tier in tiers:
        if tier.role not in workloads:
            workloads[tier.role] = merge.workload([profiles.load(tier.role, directories)])
    tiers = [replace(tier, forwards=workloads[tier.role].forwards) for tier in tiers]
    topology = Topology(**_given(file.topology), tiers=tuple(tiers), origin=str(path))
    topology = replace(topology, message=Message(**_given(file.message)))
    problem = validate.problem(topology, workloads)
    if problem:
        raise wrong(problem.text, *((f"tier.{tier}" if tier else "topology", key) for tier, key in problem.places))
    return replace(topology, tiers=graph.ordered(tiers))


def _given(table: Any) -> dict[str, Any]:
    """Return what a file gives of a table: the rest is as the model has it."""
    return {key: getattr(table, key) for key in table.model_fields_set}


def _tier(name: str, hosted: Hosted, path: Path, roles: Sequence[str], wrong: Wrong) -> Tier:
    given, table = _given(hosted), f"tier.{name}"
    unknown = frozenset(key for key in ("hosts", "sources", "memory") if key in given and given[key] is None)
    role = _role(name, given.pop("role", ""), roles, lambda text: wrong(text, (table, "role")))
    if given.get("source_addresses") and "sources" not in given:
        text = "missing beside source_addresses; write how many of them one host dials from"
        raise wrong(text, (table, "sources"))
    for key in ("reports", "snapshots"):
        given[key] = tuple(_beside(path, file, (table, key), wrong) for file in given.get(key, ()))
    standing = given["reports"] or given["snapshots"] or given.get("addresses", ())
    given.setdefault("hosts", len(standing) or None)
    return Tier(name=name, role=role, open=unknown, **given)


def _role(name: str, role: str, roles: Sequence[str], wrong: Callable[[str], TopologyError]) -> str:
    """Return the profile of a tier: the one that it names, else that of its own name."""
    role = role or (name if name in roles else "")
    if not role:
        raise wrong(f"missing, and no profile is called {name}; write one of {', '.join(roles)}")
    if role not in roles:
        raise wrong(f"no profile {role!r}; {keys.nearest(role, tuple(roles))}")
    return role


def _beside(path: Path, name: str, place: tuple[str, str], wrong: Wrong) -> str:
    """Return a file that a topology names, from where it stands."""
    file = path.parent / name
    if not os.path.exists(file):
        raise wrong(f"{file}: no such file; paths begin in the folder of the topology", place)
    return str(file)
