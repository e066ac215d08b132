"""What one apply was asked to do: kept in its journal, so that it can be planned again when another comes off."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model import Machine, Requirement

KINDS = ("sysctl", "limits", "units", "addresses")
"""What --only can name: sysctls, their drop-in and the modules that bring them; logins; services; source addresses."""


@dataclass(frozen=True, slots=True)
class Request:
    """`requirements` are those that shall hold; `only` narrows the kinds of target, empty: all.

    `runtime` and `persist` say which layers are written. `live`: running processes get their limits too. `restart`:
    services are started again. `addresses` are ADDRESS/PREFIX@INTERFACE. `roles` and `connections` go into comments.
    """

    requirements: tuple[Requirement, ...] = ()
    runtime: bool = True
    persist: bool = True
    only: tuple[str, ...] = ()
    live: bool = False
    restart: bool = False
    addresses: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    connections: int = 0

    def wants(self, kind: str) -> bool:
        """Say whether a kind of target may be written."""
        return not self.only or kind in self.only


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What a plan looks at beside findings.

    `legal` is the (lowest, highest) number that this kernel takes for each element of a sysctl; what is not in it
    is not known. `listening`: ports with a TCP listener, as a set of bits; None where they cannot be seen.
    `port_start` is ip_unprivileged_port_start, below which no range may begin.
    """

    machine: Machine
    legal: dict[str, tuple[int, int]]
    listening: int | None = None
    port_start: int = 1024
