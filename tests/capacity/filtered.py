"""Facts of a host whose packet filter does something: pools of 200 ports, and rules."""

from __future__ import annotations

import dataclasses
from typing import Any

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Backend, BindMode, Machine, PortPool, Workload
from hosttune.model.filtering import CountRule, Hook, Matching, Ruleset, Translation

BROKER = Backend("10.77.0.2", 1883)
OTHER = Backend("10.77.0.3", 1883)
MACHINE = Machine(
    *("h", "debian", "12", "", "6.18", 2, 1 << 34, 1 << 33, "", "", ""),
    *(True, True, True, "initial"),
)


def pool(source: str = "10.77.0.1", backend: Backend = BROKER, ports: int = 200, open_: int = 0) -> PortPool:
    low = 40000
    return PortPool(
        *(source, backend, BindMode.CONNECT, low, low + ports - 1, ports, 0, 0, ports, open_, 0, 0),
        *(ports - open_, ports - open_, ports // 2),
    )


def facts(ruleset: Any, *pools: PortPool, **changes: Any) -> CapacityFacts:
    """Return the facts of a client with these pools, or with one of 200 ports."""
    mine = pools or (pool(),)
    load = Workload(connections=1000, rate=10, tuples_per_connection=1, backends=tuple({p.backend: 0 for p in mine}))
    load = dataclasses.replace(load, **changes.pop("workload", {}))
    made = CapacityFacts(readings={}, pools=mine, workload=load, machine=MACHINE, ruleset=ruleset, **changes)
    return dataclasses.replace(made, egress={str(p.backend): "c0" for p in mine})


def gateway(ruleset: Any, *backends: Backend, **changes: Any) -> CapacityFacts:
    """Return the facts of a host that passes connections on to these backends."""
    load = Workload(
        connections=1000,
        rate=10,
        sockets_per_connection=0,
        descriptors_per_connection=0,
        tuples_per_connection=0,
        own_descriptors=0,
        backends=backends,
    )
    egress = {str(backend): "n1" for backend in backends}
    return CapacityFacts(
        readings={}, pools=(), workload=load, machine=MACHINE, ruleset=ruleset, egress=egress, **changes
    )


def masquerade(first: int = 0, last: int = 0, where: str = "ip nat post handle 2", **changes: Any) -> Translation:
    """Return a rule that masquerades, to a range of ports where one is given."""
    matching = changes.pop("matching", Matching(protocols=("tcp",)))
    return Translation(where=where, matching=matching, ports=(first, last) if last else None, **changes)


def counting(over: int, matching: Matching, hook: Hook = Hook.OUTPUT, **changes: Any) -> CountRule:
    return CountRule("ip f o handle 2", matching, hook, over, **changes)


def rules(*translations: Translation, counts: tuple[CountRule, ...] = ()) -> Ruleset:
    return Ruleset(translations=translations, counts=counts, tracks=True, rules=len(translations) + len(counts))
