"""A host's profile is right by the schema, and gives back just the workload of the plan."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest

from hosttune.host.live import LiveHost
from hosttune.model import Backend, BindMode, Deployment, Message, PlannedHost, Topology, Workload
from hosttune.options import Options
from hosttune.planning.deploy.formats import profiles
from hosttune.profile import load, merge
from hosttune.workflows import loading
from tests import verbs
from tests.netns.sandbox import ROOT
from tests.planning.deploy import deployed

TOPOLOGIES = {
    "the white paper's": deployed.whitepaper(),
    "a small one": deployed.small(),
    "ports of its own": deployed.small(
        bind_mode=BindMode.EXPLICIT, port_range=(20000, 20199), reserved_ports="20050,20060-20062"
    ),
    "told figures": dataclasses.replace(
        deployed.replaced(deployed.small(), "broker", backlog=100), hold=60, message=Message(size=10)
    ),
}


def written(deployment: Deployment, host: PlannedHost, folder: Path) -> Path:
    path = folder / f"{host.name}.toml"
    path.write_text(profiles.files(deployment)[profiles.path(host)])
    return path


def same(found: Workload, wanted: Workload) -> bool:
    """Compare all but the names of backends, which a file of its own text has too."""
    plain = [dataclasses.replace(b, name="") for b in found.backends]
    assert plain == [dataclasses.replace(b, name="") for b in wanted.backends]
    assert dataclasses.replace(found, backends=()) == dataclasses.replace(wanted, backends=())
    return True


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())
def test_each_profile_is_valid_and_gives_the_workload_of_the_plan(topology: Topology, tmp_path: Path) -> None:
    deployment = deployed.deploy(topology)
    for host in deployment.hosts:
        path = written(deployment, host, tmp_path)
        # what `check` makes of it on a host, with no other option
        loaded = loading.load(LiveHost(), Options(profile=[str(path)]))
        # what a role knows of programs and peers, the plan has from the role
        role = merge.workload([load.load(host.tier.role)])
        known = {"disconnect": role.disconnect} if not host.workload.disconnect else {}
        assert same(loaded.workload, dataclasses.replace(host.workload, **known))


def test_the_command_line_comes_before_the_profile(tmp_path: Path) -> None:
    deployment = deployed.deploy(deployed.small())
    path = written(deployment, deployment.of("lb")[0], tmp_path)
    options = Options(
        profile=[str(path)], connections=7, backend=["10.9.9.9:1"], source=["10.9.9.1"], bind_mode="bind:1100-1200"
    )
    found = loading.load(LiveHost(), options).workload
    assert [str(b) for b in found.backends] == ["10.9.9.9:1"]
    assert (found.sources, found.connections) == (("10.9.9.1",), 7)
    assert (found.bind_mode, found.bind_range) == (BindMode.BIND, (1100, 1200))


def test_a_way_of_binding_or_sources_alone_stand_in_for_all_that_the_profile_says_of_them(tmp_path: Path) -> None:
    deployment = deployed.deploy(TOPOLOGIES["ports of its own"])
    host = deployment.of("lb")[0]
    path = written(deployment, host, tmp_path)
    assert "bind_range = [20000, 20199]" in path.read_text()
    kernel = loading.load(LiveHost(), Options(profile=[str(path)], bind_mode="no-port")).workload
    assert (kernel.bind_mode, kernel.bind_range) == (BindMode.NO_PORT, None)
    white = deployed.deploy(deployed.whitepaper())
    options = Options(profile=[str(written(white, white.of("lb")[0], tmp_path))], source=["10.9.9.1"])
    found = loading.load(LiveHost(), options).workload
    assert found.sources == ("10.9.9.1",) and len(found.backends) == 6
    assert not any(backend.sources for backend in found.backends)


def test_check_looks_at_the_pools_that_the_profile_names(tmp_path: Path) -> None:
    deployment = deployed.deploy(deployed.small())
    host = deployment.of("lb")[0]
    path = written(deployment, host, tmp_path)
    done = verbs.hosttune("check", "--profile", str(path), "--format", "json", cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    shown = {str(b["address"]) for b in report["workload"]["backends"]}
    assert shown == {pair.backend.address for pair in host.pairs}
    assert report["workload"]["sources"] == list(host.sources)


def test_a_range_and_reserved_ports_of_the_plan_stand_in_for_the_roles(tmp_path: Path) -> None:
    deployment = deployed.deploy(TOPOLOGIES["ports of its own"])
    found = load.load_file(written(deployment, deployment.of("lb")[0], tmp_path))
    needs, _ = merge.requirements([found], merge.workload([found]), deployment.sizing.plan("lb").machine)
    by = {str(r.subject): (r.operator.value, r.wants) for r in needs}
    assert by["sysctl:net.ipv4.ip_local_port_range"] == ("equals", ((20000, 20199),))
    assert by["sysctl:net.ipv4.ip_local_reserved_ports"] == ("covers", ("20050,20060-20062",))


def test_a_name_is_never_longer_than_a_profile_may_have(tmp_path: Path) -> None:
    topology = dataclasses.replace(deployed.small(), name="t" * 64)
    deployment = deployed.deploy(topology)
    host = deployment.of("broker")[1]
    assert load.load_file(written(deployment, host, tmp_path)).name.endswith("-broker-2")


def test_backends_of_several_profiles_are_joined(tmp_path: Path) -> None:
    one, other = tmp_path / "a.toml", tmp_path / "b.toml"
    head = '[profile]\nname = "x"\ntitle = "x"\n[workload]\n'
    one.write_text(head + 'backends = ["10.0.0.1:1883"]\nsources = ["10.0.0.9"]\n')
    both = '["[fd00:0::1]:80", { backend = "10.0.0.1:1883", name = "b", sources = ["10.0.0.8"] }]'
    other.write_text(head + f'backends = {both}\nsources = ["10.0.0.8", "10.0.0.9"]\n')
    found = merge.workload([load.load_file(one), load.load_file(other)])
    assert found.backends == (
        Backend("10.0.0.1", 1883, "10.0.0.1:1883", ("10.0.0.8",)),
        Backend("fd00::1", 80, "[fd00:0::1]:80"),
    )
    assert found.sources == ("10.0.0.9", "10.0.0.8")


@pytest.mark.parametrize("text", ["plain", 'a"b\\c', "tab\tand\x7f", "\u00e9\U0001f600", "]]\n[x]"])
def test_a_quoted_string_of_toml_is_read_back(text: str) -> None:
    assert tomllib.loads(f"a = {profiles.quoted(text)}") == {"a": text}
