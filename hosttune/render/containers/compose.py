"""A file for `docker compose -f`, beside the one that has the service (compose-spec: sysctls, ulimits)."""

from __future__ import annotations

from hosttune.model import Shortfall
from hosttune.render.containers import string, word

COMMENT = "#"


def lines(lacks: Shortfall, name: str) -> list[str]:
    """Return the file, for a service of this name."""
    made = fragment(lacks)
    return ["services:", f'  "{name}":', *(f"    {line}" for line in made)] if made else []


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return how it is used."""
    return [f"for the service {name}: docker compose -f compose.yaml -f THIS_FILE up -d"]


def fragment(lacks: Shortfall) -> list[str]:
    """Return the lines below a service."""
    made = ["sysctls:"] if lacks.sysctls else []
    made += [f"  {word(key)}: {string(value)}" for key, value in lacks.sysctls]
    if lacks.nofile:
        made += ["ulimits:", f"  nofile: {{soft: {lacks.nofile[0]}, hard: {lacks.nofile[1]}}}"]
    return made
