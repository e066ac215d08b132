"""What is known of a provider of machines: each file of profiles/clouds is a `KnownCloud`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Gateway:
    """What one kind of a provider's source NAT gives by default.

    `ports` are those of one address, of which it may have `addresses`; `what` says for what: a machine, a destination.
    `source` is the provider's page, `noted` the day on which the number was written down, for it may have changed.
    """

    what: str
    ports: int
    source: str
    noted: str
    addresses: int = 1
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Quota:
    """How many connections a provider says it tracks of a machine, outside of it: `what` it counts.

    `each_cpu` are those of a vCPU, 0 where it does not go by them; then `connections` is the most.
    """

    connections: int
    what: str
    source: str
    noted: str
    each_cpu: int = 0
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    def of(self, cpus: int | None) -> int | None:
        """Return how many of a machine with so many CPUs, None where it takes to know them."""
        if not self.each_cpu:
            return self.connections
        return min(self.each_cpu * cpus, self.connections) if cpus else None


@dataclass(frozen=True, slots=True)
class Idle:
    """For how many seconds a provider remembers a connection that is silent, and `what` of it does."""

    seconds: int
    what: str
    source: str
    noted: str
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class KnownCloud:
    """A provider: `name` as `Machine.cloud` has it, `title` as people say it.

    `metric` is what of its own shows that a gateway has no port left, `more` how it is given more ports, `private` what
    reaches a destination without it. `quota` and `idle` are absent where it publishes none.
    """

    name: str
    title: str
    metric: str
    more: str
    private: str
    quota: Quota | None = None
    idle: Idle | None = None
    gateway: tuple[Gateway, ...] = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


def named(clouds: Iterable[KnownCloud], name: str) -> KnownCloud | None:
    """Return the provider of a name, None where nothing is known of it."""
    return next((cloud for cloud in clouds if cloud.name == name), None)
