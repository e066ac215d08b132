"""What a topology file says arrives in the model, and what the command line sets comes before it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hosttune.errors import TopologyError
from hosttune.model.capacity import BindMode
from hosttune.model.topology import Leg, Message, Tier
from hosttune.planning.topology import load

PAPER = "whitepaper-2019"
EVERY_KEY = """
[topology]
name = "all"
title = "Every key"
connections = 30
rate = 10
hold = 60
headroom = "12.5%"
below_knee = false

[message]
size = "1 KiB"
count = 3
interval = 0.5
fan_out = 7
keepalive = 30
qos = 2
stay = 9

[tier.store]
role = "linux-server"
hosts = 1
ports = 5672

[tier.broker]
hosts = "?"
ports = [1883, 8883]
spare = 1
to = { store = 2 }

[tier.edge]
role = "lb"
program = "haproxy"
addresses = ["fd00::1-fd00::2"]
ports = [1883]
memory = "32 GB"
memory_kept = "512MiB"
cores = 8
sources = 2
sources_each = 1
source_addresses = ["fd00::100-fd00::103"]
interface = "ens5"
bind_mode = "no-port"
port_range = [1024, 65535]
reserved_ports = "1883, 8000-8010"
connections_max = 20
nofile = 4096
processes = 2
backlog = 511
stall = 0.5
application_memory = 4_000
conntrack = true
cloud = "gcp"
tracked_max = 500_000
to = "broker"

[tier.client]
reports = ["c1.json", "sub/c2.json"]
connections = 10
to = ["edge"]

[tier.gateway]
role = "client"
snapshots = ["c1.json"]
connections = 20
memory = "?"
sources = "?"
to = ["edge", "broker"]
"""


@pytest.fixture
def every(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("c1.json", "sub/c2.json"):
        (tmp_path / name).write_text("{}")
    path = tmp_path / "all.toml"
    path.write_text(EVERY_KEY)
    return path


def test_every_key_arrives(every: Path) -> None:
    made = load.load(str(every))
    assert (made.name, made.title, made.origin) == ("all", "Every key", str(every))
    assert (made.connections, made.rate, made.hold) == (30, 10, 60)
    assert (made.headroom, made.below_knee) == (Fraction(1, 8), False)
    assert made.message == Message(size=1024, count=3, interval=0.5, fan_out=7, keepalive=30, qos=2, stay=9)
    assert made.tier("edge") == Tier(
        name="edge",
        role="lb",
        to=(Leg(("broker",)),),
        program="haproxy",
        hosts=2,
        addresses=("fd00::1", "fd00::2"),
        ports=(1883,),
        memory=32 * 10**9,
        memory_kept=512 << 20,
        cores=8,
        sources=2,
        sources_each=1,
        source_addresses=("fd00::100", "fd00::101", "fd00::102", "fd00::103"),
        interface="ens5",
        bind_mode=BindMode.NO_PORT,
        port_range=(1024, 65535),
        reserved_ports="1883,8000-8010",
        connections_max=20,
        nofile=4096,
        processes=2,
        backlog=511,
        stall=0.5,
        application_memory=4000,
        conntrack=True,
        cloud="gcp",
        tracked_max=500_000,
    )
    assert made.tier("edge").bind_mode is BindMode.NO_PORT


def test_tiers_are_in_the_order_that_connections_run_through_them(every: Path) -> None:
    assert [tier.name for tier in load.load(str(every)).tiers] == ["client", "gateway", "edge", "broker", "store"]


def test_hosts_are_counted_where_they_are_named(every: Path) -> None:
    made = load.load(str(every))
    assert {tier.name: tier.hosts for tier in made.tiers} == {
        "client": 2,
        "gateway": 1,
        "edge": 2,
        "broker": None,
        "store": 1,
    }
    assert made.tier("client").reports == (str(every.parent / "c1.json"), str(every.parent / "sub/c2.json"))


def test_a_question_mark_is_open(every: Path) -> None:
    made = load.load(str(every))
    assert made.tier("broker").open == {"hosts"}
    gateway = made.tier("gateway")
    assert (gateway.open, gateway.sources, gateway.memory) == ({"memory", "sources"}, None, None)
    assert made.tier("edge").open == frozenset()


def test_legs_are_shared_or_each(every: Path) -> None:
    made = load.load(str(every))
    assert made.tier("gateway").to == (Leg(("edge", "broker")),)
    assert made.tier("broker").to == (Leg(("store",), 2),)


def test_a_role_may_be_a_profile_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "queue.toml").write_text('[profile]\nname = "queue"\ntitle = "x"\nextends = ["broker"]\n')
    said = '[topology]\nname = "x"\nconnections = 1\nrate = 1\n[tier.client]\nhosts = 1\nto = "queue"\n'
    (tmp_path / "x.toml").write_text(said + "[tier.queue]\nhosts = 1\nports = 1883\n")
    assert load.load(str(tmp_path / "x.toml"), directories=[tmp_path]).tier("queue").role == "queue"
    with pytest.raises(TopologyError, match=r"\[tier.queue\]: role: missing, and no profile is called queue"):
        load.load(str(tmp_path / "x.toml"))


def test_what_ships_loads() -> None:
    assert PAPER in load.names()
    for name in load.names():
        assert load.load(name).name == name
        assert load.text(name).startswith("# ")


def test_the_paper_is_the_paper() -> None:
    made = load.load(PAPER)
    client, lb, broker = made.tiers
    assert (client.hosts, client.connections_max, broker.hosts, broker.connections_max) == (24, 64_000, 6, 200_000)
    assert (lb.sources, lb.sources_each, len(lb.source_addresses)) == (24, 4, 24)
    assert (made.connections, made.rate, made.first) == (1_000_000, 1000, (client,))


@pytest.mark.parametrize(
    ("override", "tier", "key", "value"),
    [
        ("connections=2_000_000", "", "connections", 2_000_000),
        ("connections=2,000,000", "", "connections", 2_000_000),
        ("topology.rate = 5", "", "rate", 5),
        ("headroom=10%", "", "headroom", Fraction(1, 10)),
        ("headroom=0.25", "", "headroom", Fraction(1, 4)),
        ("name=2019", "", "name", "2019"),
        ("message.size=64", "", "message", Message(64, 100, 10.0, 0, 1000, 1, 30_000)),
        ("lb.sources=2", "lb", "sources_each", None),
        ("lb.sources=48", "lb", "sources_each", 4),
        ("lb.memory=32GiB", "lb", "memory", 32 << 30),
        ("lb.reserved_ports=883,800", "lb", "reserved_ports", "883,800"),
        ("lb.port_range=[1024, 2047]", "lb", "port_range", (1024, 2047)),
        ("lb.conntrack=false", "lb", "conntrack", False),
        ("tier.lb.to={broker = 2}", "lb", "to", (Leg(("broker",), 2),)),
        ("broker.hosts=?", "broker", "open", {"hosts"}),
        ("broker.addresses=[]", "broker", "hosts", 6),
    ],
)
def test_an_override_comes_before_the_file(override: str, tier: str, key: str, value: Any) -> None:
    made = load.load(PAPER, [override, *(["lb.source_addresses=[]"] if "48" in override else [])])
    found = getattr(made.tier(tier) if tier else made, key)
    assert found == value


def test_the_last_override_wins() -> None:
    assert load.load(PAPER, ["rate=1", "topology.rate=2"]).rate == 2


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["lb.sources=0"], "--set lb.sources=0: 0 is too small; write 1 or more"),
        (["lbb.sources=1"], "--set lbb.sources=1: no tier 'lbb'; did you mean lb?"),
        (["lb.source=1"], "--set lb.source=1: no key 'source' in [tier.lb]; did you mean sources?"),
        (["rte=1"], "--set rte=1: no key 'rte' in [topology]; did you mean rate?"),
        (["message.sise=1"], "--set message.sise=1: no key 'sise' in [message]; did you mean size?"),
        (["lb"], "--set lb: not KEY=VALUE; write --set lb.sources=24"),
        (["lb=3"], "--set lb=3: lb is a tier; write --set lb.hosts=2, or another key of it"),
        (["a.b.c=1"], "--set a.b.c=1: a key has one dot at most; write --set lb.sources=24"),
        (["rate=1\nname=2"], "--set rate=1\\nname=2: '1\\nname=2' is no number; write 1000000"),
        (["broker.to=lb"], "--set broker.to=lb: [tier.lb]: to: goes in a circle: lb -> broker -> lb"),
        (["rate=2", "broker.hosts=8"], "--set broker.hosts=8: 8 hosts but 6 addresses; add some, or leave all"),
        (["lb.sources=48"], "--set lb.sources=48: source_addresses: 1 x 48 sources need 48 addresses, 24 are given"),
        (
            ["client.connections=7"],
            "--set client.connections=7: first tiers have 7 connections, [topology] has 1,000,000",
        ),
    ],
)
def test_a_wrong_override_names_itself(overrides: list[str], says: str) -> None:
    with pytest.raises(TopologyError) as caught:
        load.load(PAPER, overrides)
    assert str(caught.value).startswith(says) and "\n" not in str(caught.value)


def test_all_lists_of_a_file_count_together() -> None:
    with pytest.raises(TopologyError) as caught:
        load.load(PAPER, ["client.addresses=10.1.0.0-10.1.255.255"])
    assert "[tier.lb]: addresses: '10.0.2.1' goes beyond the 65,536 addresses of a file (1 here, 0 left)" in str(
        caught.value
    )
