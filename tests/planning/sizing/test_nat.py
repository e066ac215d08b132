"""A tier that translates: its pools are of each address of NAT towards each destination behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune import api
from hosttune.capacity import translation
from hosttune.errors import TopologyError
from hosttune.model import Sizing

_FILE = """
[topology]
name = "behind-nat"
connections = 200_000
rate = 1_000
below_knee = {below}

[tier.client]
role = "client"
hosts = 8
to = ["nat"]

[tier.nat]
role = "gateway"
hosts = 1
sources = {sources}
port_range = [20000, 29999]
to = {to}

[tier.lb]
role = "lb"
hosts = 4
ports = [1883]
sources = 2
to = ["broker"]

[tier.broker]
role = "broker"
hosts = 6
ports = [1883]
"""


def _plan(tmp_path: Path, sources: str = "2", to: str = '["lb"]', below: str = "true", solve: bool = False) -> Sizing:
    file = tmp_path / "nat.toml"
    file.write_text(_FILE.format(sources=sources, to=to, below=below))
    sizing = api.plan(str(file), solve=solve)
    assert isinstance(sizing, Sizing)
    return sizing


def test_the_ports_of_nat_are_the_narrowest_place(tmp_path: Path) -> None:
    sizing = _plan(tmp_path)
    (hard,) = [place for place in sizing.bottlenecks if place.bound.kind == "nat" and not place.knee]
    assert sizing.bottlenecks[0].bound.kind == "nat"
    assert hard.connections == 2 * 4 * 10_000  # addresses, destinations, ports
    (slow,) = [place for place in sizing.bottlenecks if place.bound.kind == "nat" and place.knee]
    assert slow.connections == 2 * 4 * translation.first_loss(10_000)[0]
    assert any("first SYNs are lost" in line for line in sizing.warnings)


def test_who_dials_it_means_the_tiers_behind(tmp_path: Path) -> None:
    plan = _plan(tmp_path).plan("client")
    assert plan.hops[0].backends == 4 and plan.hops[0].to == ("nat",)


def test_it_has_no_sockets(tmp_path: Path) -> None:
    plan = _plan(tmp_path).plan("nat")
    assert plan.workload.forwards and plan.connections == 200_000
    assert not [s for s in plan.settings if "nofile" in s.subject or "local_port_range" in s.subject]


@pytest.mark.parametrize(("below", "addresses"), [("true", 6), ("false", 5)])
def test_so_many_addresses_are_found_as_carry_it(tmp_path: Path, below: str, addresses: int) -> None:
    sizing = _plan(tmp_path, '"?"', below=below, solve=True)
    assert sizing.carried and sizing.plan("nat").tier.sources == addresses


def test_connections_have_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="no outgoing path"):
        _plan(tmp_path, to="[]")
    with pytest.raises(TopologyError, match="one for one"):
        _plan(tmp_path, to="{lb = 2}")
