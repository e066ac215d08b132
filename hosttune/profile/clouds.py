"""What is known of providers of machines: profiles/clouds/*.toml."""

from __future__ import annotations

from functools import cache
from typing import Any

from hosttune.errors import ProfileError
from hosttune.model.clouds import Gateway, Idle, KnownCloud, Quota
from hosttune.profile.load import shipped
from hosttune.resolve import toml_file


@cache
def every() -> tuple[KnownCloud, ...]:
    """Return all of them, by name; raises ProfileError."""
    paths = sorted((shipped() / "clouds").glob("*.toml"))
    return tuple(built(toml_file.tables(path, "provider", ProfileError, ours=True)) for path in paths)


def built(tables: dict[str, Any]) -> KnownCloud:
    """Return the provider of a file that holds to the schema."""
    made = dict(tables)
    for name, kind in (("quota", Quota), ("idle", Idle)):
        if name in tables:
            made[name] = kind(**_dated(tables[name]))
    return KnownCloud(**{**made, "gateway": tuple(Gateway(**_dated(row)) for row in tables.get("gateway", ()))})


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "noted": str(row["noted"])}
