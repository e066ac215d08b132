"""A tier of hosts that exist: a limit that their program sets itself is where the plan stops, with what raises it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import verbs

HAPROXY = """
defaults
    mode tcp
frontend f
    bind 127.0.0.1:7000
    maxconn 150
    default_backend b
backend b
    server s1 127.0.0.1:9001
"""
TOPOLOGY = """
[topology]
name = "t"
connections = {connections}
rate = 10
[tier.client]
role = "client"
hosts = 2
to = ["lb"]
[tier.lb]
role = "lb"
hosts = {hosts}
ports = [1883]
reports = {reports}
to = ["broker"]
[tier.broker]
role = "broker"
hosts = 1
ports = [1883]
"""


def planned(tmp_path: Path, connections: int, hosts: int, asked: int) -> tuple[dict[str, Any], str]:
    """Return the narrowest place of a plan whose load balancers are as a report has it, and what is printed."""
    (tmp_path / "image/etc/haproxy").mkdir(parents=True)
    (tmp_path / "image/etc/haproxy/haproxy.cfg").write_text(HAPROXY)
    given = ["--root", tmp_path / "image", "--backends-from", "/etc/haproxy/haproxy.cfg", "--connections", asked]
    checked = verbs.hosttune("check", "--role", "lb", *map(str, given), "--format", "json")
    reports = [f"lb-{number}.json" for number in range(1, hosts + 1)]
    for name in reports:
        (tmp_path / name).write_text(checked.stdout)
    text = TOPOLOGY.format(connections=connections, hosts=hosts, reports=json.dumps(reports))
    (tmp_path / "t.toml").write_text(text)
    plan = json.loads(verbs.hosttune("plan", tmp_path / "t.toml", "--format", "json").stdout)
    return plan["bottlenecks"][0], verbs.hosttune("plan", tmp_path / "t.toml").stdout


@pytest.mark.parametrize(("hosts", "share"), [(1, 10_000), (2, 5_000)])
def test_the_setting_is_named_for_the_share_of_a_host(tmp_path: Path, hosts: int, share: int) -> None:
    place, printed = planned(tmp_path, 10_000, hosts, 20_000)
    assert (place["tier"], place["bound"]["kind"], place["connections"]) == ("lb", "maxconn", 150 * hosts)
    assert f"needs maxconn {share} (/etc/haproxy/haproxy.cfg:6)" in " ".join(printed.split())


def test_it_is_for_the_share_whatever_the_report_was_asked_for(tmp_path: Path) -> None:
    assert "needs maxconn 10000 (/etc/haproxy/haproxy.cfg:6)" in " ".join(planned(tmp_path, 10_000, 1, 200)[1].split())
