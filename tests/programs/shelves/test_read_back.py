"""What is emitted for a plan reads back to the plan: its pairs, and the connections at which its ports stop it."""

from __future__ import annotations

import dataclasses
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings

from hosttune import registry
from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Configuration, Deployment, PlannedHost, Topology
from hosttune.programs import configuration, pieces
from hosttune.programs.configuration import Given
from tests.planning.deploy import deployed
from tests.programs import stage
from tests.programs.shelves.test_pairs import topologies

SHELVES = "hosttune.programs.shelves"
BALANCERS = ("envoy", "haproxy", "nginx")
LIMITS = ("circuit-breaker", "max-conns", "maxconn")
RANGE = (stage.LOW, stage.HIGH)
SOURCES = deployed.span("10.1.2.101", 6)
V6 = [
    dataclasses.replace(tier, addresses=deployed.span(f"fd00::{number}:1", tier.hosts or 1), source_addresses=())
    for number, tier in enumerate(deployed.small(sources=1).tiers)
]
TOPOLOGIES = {
    "two sources, two brokers": deployed.small(),
    "one source": deployed.small(sources=1, source_addresses=()),
    "six sources, each to one broker": deployed.small(sources=6, sources_each=3, source_addresses=SOURCES),
    "six sources, each to all": deployed.small(sources=6, sources_each=6, source_addresses=SOURCES),
    "two ports": deployed.replaced(deployed.small(ports=(1883, 8883)), "broker", ports=(1883, 8883)),
    "a limit of the brokers": deployed.replaced(deployed.small(), "broker", connections_max=100_000),
    "IPv6": dataclasses.replace(deployed.small(), tiers=tuple(V6)),
}
EVERY = pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())


def named(topology: Topology, tier: str, program: str) -> Deployment:
    return deployed.deploy(deployed.replaced(topology, tier, program=program))


def emitted(deployment: Deployment, program: str) -> dict[str, str]:
    return dict(registry.load(SHELVES, program).files(deployment))


def read_back(directory: Path, text: str, host: str = "") -> Configuration:
    (directory / "emitted").write_text(text)
    (directory / "etc").mkdir(exist_ok=True)
    (directory / "etc" / "hostname").write_text(host)
    return configuration.read(Given(LiveHost(str(directory)), ("/emitted",))).configuration


def pairs(read: Configuration) -> Counter[tuple[str, str]]:
    """Return how often each source reaches each backend."""
    backends = (server.backend for section in read.sections for server in section.servers)
    return Counter((source, str(backend)) for backend in backends for source in backend.sources or ("",))


def wanted(host: PlannedHost) -> set[tuple[str, str]]:
    return {(pair.source, str(pair.backend)) for pair in host.pairs}


@pytest.mark.parametrize("program", BALANCERS)
@EVERY
def test_a_balancer_has_the_pairs_of_the_plan(program: str, topology: Topology, tmp_path: Path) -> None:
    deployment = named(topology, "lb", program)
    texts = emitted(deployment, program)
    assert texts
    for path, text in texts.items():
        read = read_back(tmp_path, text)
        (host,) = (host for host in deployment.of("lb") if f"/{host.name}/" in path)
        assert read.program == program and not any(section.unknown for section in read.sections)
        found = set(pairs(read))
        assert found == wanted(host) or (
            len(host.sources) == 1 and {to for _, to in found} == {to for _, to in wanted(host)}
        )
        assert len(read.entries) == (1 if program == "haproxy" else len(host.ports))


@settings(max_examples=30, deadline=None)
@given(topologies())
def test_envoy_has_them_whatever_the_topology(tmp_path_factory: pytest.TempPathFactory, topology: Topology) -> None:
    deployment = named(topology, "lb", "envoy")
    for path, text in emitted(deployment, "envoy").items():
        read = read_back(tmp_path_factory.mktemp("e"), text)
        (host,) = (host for host in deployment.of("lb") if f"/{host.name}/" in path)
        assert set(pairs(read)) == wanted(host)
        (section,) = read.sections
        # each pair has its share, and each cluster its breaker
        assert len({server.weight for server in section.servers}) == 1
        assert {server.backend.mode for server in section.servers} == {BindMode.NO_PORT}


@settings(max_examples=30, deadline=None)
@given(topologies())
def test_mosquitto_has_the_limit_of_the_tier(tmp_path_factory: pytest.TempPathFactory, topology: Topology) -> None:
    deployment = named(topology, "broker", "mosquitto")
    for path, text in emitted(deployment, "mosquitto").items():
        read = read_back(tmp_path_factory.mktemp("m"), text)
        (host,) = (host for host in deployment.of("broker") if f"/{host.name}/" in path)
        assert [entry.name for entry in read.entries] == [f"listener {port} {host.address}" for port in host.ports]
        limits = [limit.value for entry in read.entries for limit in entry.limits]
        assert sum(limits) == (host.tier.connections_max or 0)


@settings(max_examples=30, deadline=None)
@given(topologies())
def test_tsung_brings_the_users_of_the_host(tmp_path_factory: pytest.TempPathFactory, topology: Topology) -> None:
    deployment = named(topology, "client", "tsung")
    hosts = deployment.of("client")
    for text in emitted(deployment, "tsung").values():
        for host in hosts:
            read = read_back(tmp_path_factory.mktemp("t"), text, host.name)
            (users,) = (limit.value for limit in read.limits if limit.kind == "users")
            assert users == -(-sum(one.workload.connections for one in hosts) // len(hosts))
            assert read.mode is BindMode.BIND and set(pairs(read)) == wanted(host)


def give_addresses(host: PlannedHost) -> None:
    """Make the sources and backends of a plan addresses of this host: a source counts only where it leads to one."""
    pairs = {address for pair in host.pairs for address in (pair.source, pair.backend.address) if address}
    for address in sorted(pairs):
        subprocess.run(["ip", "address", "replace", address, "dev", "lo", *["nodad"] * (":" in address)], check=True)


def on_balancer(program: str, name: str) -> None:
    """Ask capacity of what is emitted, on a host with the ports of the plan."""
    topology = deployed.replaced(TOPOLOGIES[name], "lb", port_range=RANGE)
    deployment = named(topology, "lb", program)
    (text,) = emitted(deployment, program).values()
    path = stage.WORK / "emitted"
    path.write_text(text)
    (host,) = deployment.of("lb")
    (hop,) = deployment.sizing.plan("lb").hops
    give_addresses(host)
    bounds = stage.ask("--role", "lb", "--connections", "1000000", "--backends-from", str(path))
    ports = [bound["hard"] for id, bound in bounds.items() if id.startswith("ports:")]
    # where each pool has a limit of its own below its ports, that is what stops it
    limits = [bound["hard"] for bound in bounds.values() if bound["kind"] in LIMITS and bound["scope"] == "section"]
    meant = pieces.together(deployment, host, [*host.pairs], pieces.towards(deployment, [host]))
    full = hop.ports * len(host.pairs)
    assert set(ports) <= {None, full, meant}, (ports, hop)
    assert set(limits) <= {meant}, (limits, meant)
    assert min([*limits, *filter(None, ports)]) == (min(meant or full, full) if limits else full), (ports, limits)


@pytest.mark.slow
@pytest.mark.parametrize("program", BALANCERS)
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_the_ports_of_a_balancer_stop_it_where_the_plan_says(program: str, name: str) -> None:
    stage.need()
    stage.play(__file__, "on_balancer", program, name)


def on_tsung(name: str) -> None:
    topology = deployed.replaced(TOPOLOGIES[name], "client", port_range=RANGE)
    deployment = named(topology, "client", "tsung")
    (host,) = deployment.of("client")
    (hop,) = deployment.sizing.plan("client").hops
    give_addresses(host)
    for text in emitted(deployment, "tsung").values():
        path = stage.WORK / "tsung.xml"
        path.write_text(text)
        bounds = stage.ask("--role", "client", "--connections", "1000000", "--backends-from", str(path))
        ports = {id: bound["hard"] for id, bound in bounds.items() if id.startswith("ports:")}
        assert min(ports.values()) == hop.ports * len(host.sources), (ports, hop)
        assert bounds["users"]["hard"] == topology.connections


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two sources, two brokers", "IPv6"])
def test_the_ports_of_tsung_stop_it_where_the_plan_says(name: str) -> None:
    stage.need()
    stage.play(__file__, "on_tsung", name)
