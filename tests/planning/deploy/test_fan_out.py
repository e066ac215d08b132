"""A tier that opens several connections for each of its own: no program that is configured here does."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.errors import UsageError
from hosttune.model import Leg, Tier, Topology
from hosttune.workflows import emitting
from tests.planning.deploy import deployed


def topology(program: str, *to: Leg) -> Topology:
    client = Tier("client", "client", (Leg(("lb",)),), hosts=1, addresses=("10.0.0.1",))
    lb = Tier("lb", "lb", to, program, hosts=1, addresses=("10.0.0.2",), ports=(1883,))
    broker = Tier("broker", "broker", hosts=1, addresses=("10.0.0.3",), ports=(1883,))
    log = dataclasses.replace(broker, name="log", addresses=("10.0.0.4",))
    used = [tier for tier in (broker, log) if any(tier.name in leg.tiers for leg in to)]
    return Topology("t", 1_000, 10, (client, lb, *used))


def emitted(found: Topology) -> list[str]:
    texts = emitting.texts(deployed.deploy(found))
    names = (path.removeprefix("hosts/lb-1/") for path in texts if path.startswith("hosts/lb-1/"))
    return [name for name in names if "/" not in name and name != "sysctl.sh"]


@pytest.mark.parametrize("to", [(Leg(("broker",), 2),), (Leg(("broker",)), Leg(("log",)))])
def test_no_proxy_is_configured_that_would_drop_connections(to: tuple[Leg, ...]) -> None:
    assert emitted(topology("", *to)) == emitted(topology("own", *to)) == []
    with pytest.raises(
        UsageError, match=r"^\[tier.lb\]: to: haproxy opens one connection for each of its own, not 2; "
    ):
        emitted(topology("haproxy", *to))


def test_one_leg_to_several_tiers_is_one_connection() -> None:
    assert emitted(topology("haproxy", Leg(("broker", "log")))) == ["haproxy.cfg"]
