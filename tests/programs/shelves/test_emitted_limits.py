"""A limit of a program's own that `plan --emit` writes lets through what the plan says: read back by the readers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from hosttune.model import Configuration, Deployment, OwnLimit, PlannedHost, Topology
from hosttune.programs.configuration import Given
from hosttune.programs.shelves import envoy, haproxy, mosquitto, nginx, tsung
from tests.fuzz.memory import Memory
from tests.planning.deploy import deployed
from tests.programs.shelves.test_pairs import topologies

PROGRAMS: dict[str, tuple[Any, str, str]] = {
    "haproxy": (haproxy, "lb", r"hosts/([^/]+)/haproxy(?:-\d+)?\.cfg"),
    "nginx": (nginx, "lb", r"hosts/([^/]+)/nginx\.conf"),
    "envoy": (envoy, "lb", r"hosts/([^/]+)/envoy\.yaml"),
    "mosquitto": (mosquitto, "broker", r"hosts/([^/]+)/mosquitto\.conf"),
}


def emitted(topology: Topology, program: str) -> Iterator[tuple[PlannedHost, int, list[Configuration]]]:
    """Yield each host that runs a program, the plan's number for it, and what its files are read as."""
    shelf, tier, pattern = PROGRAMS[program]
    deployment = deployed.deploy(deployed.replaced(topology, tier, program=program))
    texts: dict[str, list[str]] = {}
    for path, text in shelf.files(deployment).items():
        if match := re.fullmatch(pattern, path):
            texts.setdefault(match[1], []).append(text)
    for host in deployment.of(tier):
        found = [shelf.read(Given(Memory({"/etc/x": text}), ("/etc/x",), resolves=False)) for text in texts[host.name]]
        yield host, carried(deployment, host), found


def carried(deployment: Deployment, host: PlannedHost) -> int:
    """Return how many connections a host carries of what the whole does: where that stalls, it says so there."""
    sizing = deployment.sizing
    places = [place for place in sizing.bottlenecks if sizing.topology.below_knee or not place.knee]
    whole = min([sizing.topology.connections, *(place.connections for place in places)])
    return host.workload.connections * whole // sizing.topology.connections


def let_through(configuration: Configuration) -> Iterator[tuple[str, int]]:
    """Yield what each limit of a file lets through; those of all entries, or all servers, are counted together."""
    yield from ((f"{limit.setting} {limit.value}", limit.most) for limit in _limits(configuration.limits))
    yield from _together("listeners", [_limits(entry.limits) for entry in configuration.entries])
    sections = configuration.sections
    yield from _together("clusters", [_limits(section.limits) for section in sections])
    servers = [_limits([server.most] if server.most else []) for section in sections for server in section.servers]
    yield from _together("servers", servers)


def _limits(limits: Iterable[OwnLimit]) -> list[OwnLimit]:
    return [limit for limit in limits if limit.unit == "connections"]


def _together(what: str, each: list[list[OwnLimit]]) -> Iterator[tuple[str, int]]:
    if each and all(each):
        yield f"{each[0][0].setting} of all {what}", sum(min(own.most for own in limits) for limits in each)


@pytest.mark.parametrize("program", PROGRAMS)
@given(topology=topologies())
@settings(max_examples=40)
def test_no_limit_that_is_written_is_below_the_plan(program: str, topology: Topology) -> None:
    for host, number, found in emitted(topology, program):
        for what in {name for configuration in found for name, _ in let_through(configuration)}:
            together = sum(most for configuration in found for name, most in let_through(configuration) if name == what)
            assert together >= number, f"{host.name}: {what} lets {together:,} through, the plan has {number:,}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_white_papers_are_read_back_with_their_limits(program: str) -> None:
    seen = 0
    for _, number, found in emitted(deployed.whitepaper(), program):
        for configuration in found:
            for what, most in let_through(configuration):
                assert most >= number, what
                seen += 1
    assert seen, "it writes a limit, and none was read"


def test_the_users_of_the_load_generators_are_all_let_through() -> None:
    topology = deployed.whitepaper()
    deployment = deployed.deploy(topology)
    for path, text in tsung.files(deployment).items():
        read = tsung.read(Given(Memory({"/t.xml": text}), ("/t.xml",), resolves=False))
        limits = [*read.limits, *(own for entry in read.entries for own in entry.limits)]
        short = [limit for limit in limits if limit.unit == "connections" and limit.kind == "maxusers"]
        assert sum(limit.most for limit in short) >= topology.connections or not short, path


def test_a_plan_with_less_than_its_target_says_so_in_its_limits() -> None:
    """A host whose descriptors end below its share is given what they carry, and no more than that is promised."""
    topology = deployed.replaced(deployed.small(nofile=400), "lb", program="haproxy")
    for host, number, (configuration,) in emitted(dataclasses.replace(topology, connections=5000), "haproxy"):
        assert number < host.workload.connections
        assert min(most for _, most in let_through(configuration)) >= number
