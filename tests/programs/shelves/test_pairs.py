"""Whatever the topology, what is emitted names the pairs of the deployment: each of them once, and no other."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.model import BindMode, Deployment, Leg, Message, PlannedHost, Tier, Topology
from hosttune.programs import pieces
from hosttune.programs.configuration import Given
from hosttune.programs.shelves import emqtt_bench, envoy, haproxy, nginx, tsung
from hosttune.programs.shelves.nginx import writing
from tests.fuzz.memory import Memory
from tests.planning.deploy import deployed

Pairs = Counter[tuple[str, str]]


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Give load generators, balancers and brokers: few of each, some with several sources, ports or processes."""
    v6 = draw(st.booleans())
    net = "fd00::{}:1" if v6 else "10.{}.0.1"
    ports = draw(st.sampled_from([(1883,), (1883, 8883)]))
    balancers, brokers = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    sources = draw(st.integers(1, 6))
    mode = draw(st.sampled_from([BindMode.NO_PORT, BindMode.EXPLICIT]))
    lb = Tier(
        "lb",
        "lb",
        (Leg(("broker",)),),
        hosts=balancers,
        addresses=deployed.span(net.format(2), balancers),
        ports=draw(st.sampled_from([(1883,), (1883, 8883)])),
        sources=sources,
        sources_each=draw(st.none() | st.integers(1, sources)),
        source_addresses=() if sources == 1 else deployed.span(net.format(22), balancers * sources),
        bind_mode=mode,
        port_range=(20000, 20999) if mode is BindMode.EXPLICIT else None,
        processes=draw(st.integers(1, 3)),
        nofile=draw(st.none() | st.integers(400, 4000)),
    )
    broker = Tier(
        "broker",
        "broker",
        hosts=brokers,
        addresses=deployed.span(net.format(3), brokers),
        ports=ports,
        connections_max=draw(st.none() | st.integers(100, 10_000)),
    )
    generators = draw(st.integers(1, 3))
    client = Tier(
        "client",
        "client",
        (Leg(("lb",)),),
        hosts=generators,
        addresses=deployed.span(net.format(1), generators),
        nofile=draw(st.none() | st.integers(400, 4000)),
    )
    message = draw(st.sampled_from([Message(), Message(52, 3, 0.5, keepalive=60, stay=20)]))
    tiers = (client, lb, broker)
    return Topology("t", draw(st.integers(1, 5000)), 100, tiers, headroom=Fraction(1, 10), message=message)


def wanted(host: PlannedHost) -> Pairs:
    return Counter((pair.source, str(pair.backend)) for pair in host.pairs)


def files(deployment: Deployment, module: Any, name: str) -> dict[str, list[str]]:
    """Return the texts of a program by host."""
    found: dict[str, list[str]] = {}
    for path, text in module.files(deployment).items():
        match = re.fullmatch(rf"hosts/([^/]+)/{name}", path)
        if match:
            found.setdefault(match[1], []).append(text)
    return found


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_haproxy_has_a_server_line_for_each_pair_and_no_other(topology: Topology) -> None:
    deployment = deployed.deploy(topology)
    found = files(deployment, haproxy, r"haproxy(-\d+)?\.cfg")
    for host in deployment.of("lb"):
        assert len(found[host.name]) == host.tier.processes
        for text in found[host.name]:
            lines = [shlex.split(line) for line in text.splitlines() if line.startswith("    server ")]
            at = Counter((words[words.index("source") + 1], words[2]) for words in lines)
            bare: Pairs = Counter()
            for (source, to), count in at.items():
                bare[re.sub(r":\d+-\d+$", "", source).strip("[]"), to] += count
            assert bare == wanted(host)
            assert len({words[1] for words in lines}) == len(lines)
            # and hosttune itself reads them so
            read = haproxy.read(Given(Memory({"/h.cfg": text}), ("/h.cfg",)))
            assert {b.mode or read.mode for b in read.backends} == {host.workload.bind_mode}
            sources: dict[tuple[str, int], set[str]] = {}
            for b in read.backends:
                sources.setdefault((b.address, b.port), set()).update(b.sources)
            assert sources == {
                key: {p.source for p in host.pairs if (p.backend.address, p.backend.port) == key}
                for key in {(p.backend.address, p.backend.port) for p in host.pairs}
            }


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_no_port_is_given_to_two_processes_and_no_pool_filled_beyond_its_ports(topology: Topology) -> None:
    deployment = deployed.deploy(topology)
    hop = deployment.sizing.plan("lb").hops[0]
    for texts in files(deployment, haproxy, r"haproxy(-\d+)?\.cfg").values():
        taken: Counter[tuple[str, str, int]] = Counter()
        filled: Counter[tuple[str, str]] = Counter()
        for text in texts:
            for line in (line.split() for line in text.splitlines() if line.startswith("    server ")):
                source, to = line[line.index("source") + 1], line[2]
                ports = re.search(r":(\d+)-(\d+)$", source)
                for port in range(int(ports[1]), int(ports[2]) + 1) if ports else ():
                    taken[source[: ports.start()] if ports else "", to, port] += 1
                if "maxconn" in line:
                    filled[source[: ports.start()] if ports else source, to] += int(line[line.index("maxconn") + 1])
        assert max(taken.values(), default=0) <= 1
        assert max(filled.values(), default=0) <= max(hop.knee or hop.ports, len(texts))


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_only_pools_that_carry_the_plan_are_limited(topology: Topology) -> None:
    """What does not carry it must say so: a queue would hide which resource has run out."""
    deployment = deployed.deploy(topology)
    hop = deployment.sizing.plan("lb").hops[0]
    for host in deployment.of("lb"):
        most = topology.tier("broker").connections_max or 10**9
        sharing = Counter(pair.backend.address for other in deployment.of("lb") for pair in other.pairs)
        pools = [min(hop.knee or hop.ports, max(most // sharing[pair.backend.address], 1)) for pair in host.pairs]
        carries = sum(pools) >= host.workload.connections
        for text in files(deployment, haproxy, r"haproxy(-\d+)?\.cfg")[host.name]:
            lines = [line for line in text.splitlines() if line.startswith("    server ")]
            assert [" maxconn " in line for line in lines] == [carries] * len(lines)


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_nginx_splits_over_each_pair_and_its_shares_add_up(topology: Topology) -> None:
    deployment = deployed.deploy(topology)
    found = files(deployment, nginx, r"nginx\.conf")
    for host in deployment.of("lb"):
        (text,) = found[host.name]
        split = re.search(r"split_clients [^{]+\{([^}]+)\}", text)
        assert split
        rows = [row.split() for row in split[1].strip().split(";") if row.strip()]
        assert rows[-1][0] == "*"
        assert 0 <= 100 - sum(float(share[:-1]) for share, _ in rows[:-1]) <= 100
        groups = {m[1]: re.findall(r"server (\S+)", m[2]) for m in re.finditer(r"upstream (\w+) \{([^}]+)\}", text)}
        maps = {
            m[1]: dict(re.findall(r"(\S+) (\S+);", m[2])) for m in re.finditer(r"map \$pair \$(\w+) \{([^}]+)\}", text)
        }
        at: Pairs = Counter()
        for _, value in rows:
            source = maps["source"][value] if maps else value
            for to in groups[maps["broker"][value] if maps else "brokers"]:
                at[source.strip("[]"), to] += 1
        assert at == wanted(host)
        # and hosttune itself reads them so, evenly shared
        read = nginx.read(Given(Memory({"/n.conf": text}), ("/n.conf",)))
        (section,) = read.sections
        assert Counter((source, str(b)) for b in read.backends for source in b.sources) == wanted(host)
        assert read.mode is BindMode.NO_PORT and not section.unknown and not section.uneven
        assert {server.shares for server in section.servers} == {()}
        assert {entry.leads for entry in read.entries} == {(section.name,)}
        assert len(read.entries) == len(host.ports)
        (limit,) = read.limits
        assert host.tier.nofile or limit.most >= host.workload.connections


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_envoy_has_a_cluster_for_each_source(topology: Topology) -> None:
    deployment = deployed.deploy(topology)
    found = files(deployment, envoy, r"envoy\.yaml")
    for host in deployment.of("lb"):
        (text,) = found[host.name]
        boot = json.loads(text[text.index("\n{") :])
        at: Pairs = Counter()
        for cluster in boot["static_resources"]["clusters"]:
            bind = cluster["upstream_bind_config"]
            assert [(o["level"], o["name"], o["state"]) for o in bind["socket_options"]] == [(0, 24, "STATE_PREBIND")]
            for end in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]:
                to = end["endpoint"]["address"]["socket_address"]
                at[bind["source_address"]["address"], f"{pieces.address(to['address'])}:{to['port_value']}"] += 1
        assert at == wanted(host)
        weights = {
            c["name"]: c["weight"]
            for listener in boot["static_resources"]["listeners"]
            for c in listener["filter_chains"][0]["filters"][0]["typed_config"]["weighted_clusters"]["clusters"]
        }
        assert sum(weights.values()) == len(host.pairs)


@settings(max_examples=60, deadline=None)
@given(topologies())
def test_the_load_generators_bring_each_connection_once(topology: Topology) -> None:
    deployment = deployed.deploy(topology)
    begun: set[int] = set()
    for host in deployment.of("client"):
        text = emqtt_bench.files(deployment)[f"hosts/{host.name}/emqtt-bench.sh"]
        words = [shlex.split(line.removesuffix(" &")) for line in text.splitlines() if line.startswith("emqtt_bench")]
        counts = [int(w[w.index("-c") + 1]) for w in words]
        assert sum(counts) == host.workload.connections
        if host.tier.nofile:
            assert max(counts) <= host.tier.nofile - host.workload.own_descriptors
        numbers = [
            n
            for w, c in zip(words, counts, strict=True)
            for n in range(int(w[w.index("-n") + 1]), int(w[w.index("-n") + 1]) + c)
        ]
        assert len(set(numbers)) == len(numbers) and not begun & set(numbers)
        begun |= set(numbers)
        pairs = {
            (w[w.index("--ifaddr") + 1], a, int(w[w.index("-p") + 1]))
            for w in words
            for a in w[w.index("-h") + 1].split(",")
        }
        every = {(p.source, p.backend.address, p.backend.port) for p in host.pairs}
        assert pairs <= every and (pairs == every or len(words) == host.workload.connections)
    (one, other) = (tsung.files(deployment)[f"tsung-{version}.xml"] for version in tsung.VERSIONS)
    assert f'maxnumber="{sum(h.workload.connections for h in deployment.of("client"))}"' in one
    for text in (one, other):
        assert set(re.findall(r'<ip value="([^"]+)"', text)) == {s for h in deployment.of("client") for s in h.sources}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24, 64, 999, 10_000])
def test_shares_of_split_clients_are_equal_but_for_a_hundredth(count: int) -> None:
    parts = [round(float(share[:-1]) * 100) for share in writing.shares(count)]
    parts.append(10_000 - sum(parts))
    assert len(parts) == count and max(parts) - min(parts) <= 1 and min(parts) >= 1


@given(st.integers(1, 65535), st.integers(0, 2000), st.integers(1, 40))
def test_a_range_is_cut_into_parts_that_cover_it_and_do_not_overlap(low: int, more: int, count: int) -> None:
    parts = pieces.slices(low, low + more, count)
    assert [port for first, last in parts for port in range(first, last + 1)] == list(range(low, low + more + 1))
    assert len(parts) == count
