"""Values of the command line in place of those of the file: `--set lb.sources=24`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from hosttune.errors import TopologyError
from hosttune.planning.topology.keys import nearest, printed, shown

_SEPARATED = re.compile(r"[0-9]{1,3}(?:[,_][0-9]{3})+")
OPEN = "?"
_TEXTS = ("name", "title", "reserved_ports")

Place = tuple[str, str]
"""A table and its key: ("tier.lb", "sources")."""


def apply(
    tables: dict[str, Any], overrides: Sequence[str], known: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, Any], dict[Place, str]]:
    """Return new tables with the values of `KEY=VALUE`, and by place the override that gave it.

    `known` are the keys of each table. Raises TopologyError for a key that there is not, with the nearest one.
    """
    changed = {name: dict(table) if isinstance(table, dict) else table for name, table in tables.items()}
    tiers = changed.get("tier")
    if isinstance(tiers, dict):
        changed["tier"] = {name: dict(tier) if isinstance(tier, dict) else tier for name, tier in tiers.items()}
    given: dict[Place, str] = {}
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not path.strip():
            raise TopologyError(f"--set {printed(override)}: not KEY=VALUE; write --set lb.sources=24")
        names = [name.strip() for name in path.split(".")]
        place = _place(override, names, changed, known)
        table = changed
        for name in place[0].split("."):
            table = table.setdefault(name, {})
        table[place[1]] = _value(place[1], text)
        given[place] = printed(override)
    _follow(changed, given)
    return changed, given


def _place(override: str, names: list[str], tables: Mapping[str, Any], known: Mapping[str, tuple[str, ...]]) -> Place:
    tiers = tuple(tables["tier"]) if isinstance(tables.get("tier"), dict) else ()
    if len(names) == 3 and names[0] == "tier":
        names = names[1:]
    owner, key = ("topology", names[0]) if len(names) == 1 else (names[0], names[-1])
    if len(names) > 2:
        raise TopologyError(f"--set {printed(override)}: a key has one dot at most; write --set lb.sources=24")
    if len(names) == 1 and owner == "topology" and key in tiers:
        raise TopologyError(
            f"--set {printed(override)}: {key} is a tier; write --set {key}.hosts=2, or another key of it"
        )
    if owner not in tiers and owner not in ("topology", "message"):
        raise TopologyError(
            f"--set {printed(override)}: no tier {shown(owner)}; {nearest(owner, (*tiers, 'message', 'topology'))}"
        )
    table, keys = (owner, known[owner]) if owner in ("topology", "message") else (f"tier.{owner}", known["tier"])
    if key not in keys:
        raise TopologyError(f"--set {printed(override)}: no key {shown(key)} in [{table}]; {nearest(key, keys)}")
    return table, key


def _value(key: str, text: str) -> Any:
    """Return a value as TOML has it, a number with separators as a number, and all else as text."""
    text = text.strip()
    if key not in _TEXTS:
        if _SEPARATED.fullmatch(text):
            return int(text.replace(",", "").replace("_", ""))
        try:
            document = tomllib.loads(f"value = {text}")
        except (ValueError, RecursionError):
            return text
        if list(document) == ["value"]:
            return document["value"]
    return text


def _follow(tables: dict[str, Any], given: Mapping[Place, str]) -> None:
    """Let a tier dial each backend from all its sources, where the file would have it use more than are left.

    Where they are to be found too: as few as can be are those of which each backend has them all.
    """
    for table, key in given:
        tier = tables["tier"].get(table.removeprefix("tier.")) if table.startswith("tier.") else None
        if key == "sources" and tier and (table, "sources_each") not in given:
            each, sources = tier.get("sources_each"), tier["sources"]
            fewer = isinstance(each, int) and isinstance(sources, int) and each > sources
            if each is not None and (sources == OPEN or fewer):
                del tier["sources_each"]
