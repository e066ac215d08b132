"""From a topology to what it carries: demand of each hop, bounds of each host, the narrowest place. Pure."""

from __future__ import annotations

from hosttune.planning.sizing.deployment import deploy
from hosttune.planning.sizing.fleet import fleet, weakest
from hosttune.planning.sizing.role import Readings, Role
from hosttune.planning.sizing.size_host import size
from hosttune.planning.sizing.solve import solve

__all__ = ["Readings", "Role", "deploy", "fleet", "size", "solve", "weakest"]
