"""A planned host is given the ports that its tier names, where it names some: the plan counts on just these."""

from __future__ import annotations

from hosttune.planning import sizing
from hosttune.planning.topology import load
from hosttune.workflows import role_settings
from tests.box import asked

RANGE, RESERVED = "sysctl:net.ipv4.ip_local_port_range", "sysctl:net.ipv4.ip_local_reserved_ports"


def settings(tier: str, *overrides: str) -> dict[str, object]:
    topology = load.load(str(asked.TOPOLOGY), overrides)
    found = sizing.size(topology, role_settings.of(topology)).plan(tier).settings
    subjects = [setting.subject for setting in found]
    assert len(set(subjects)) == len(subjects)
    return {setting.subject: setting.value for setting in found}


def test_the_range_is_the_tiers_own_or_the_roles() -> None:
    assert settings("lb")[RANGE] == (20000, 20099)
    assert settings("lb", "lb.port_range=[30000,30199]")[RANGE] == (30000, 30199)
    assert settings("client")[RANGE] == (1024, 65535)


def test_reserved_ports_are_reserved() -> None:
    assert RESERVED not in settings("lb")
    assert settings("lb", "lb.reserved_ports=20010-20019")[RESERVED] == "20010-20019"
