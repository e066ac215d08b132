"""From a topology to what it carries: demand of each hop, bounds of each host, the narrowest place. Pure."""

from __future__ import annotations

from hosttune.sizing._deploy import deploy
from hosttune.sizing._fleet import fleet, weakest
from hosttune.sizing._role import Readings, Role
from hosttune.sizing._size import size
from hosttune.sizing._solve import solve

__all__ = ["Readings", "Role", "deploy", "fleet", "size", "solve", "weakest"]
