"""A bootstrap comes to its listeners and clusters; every configuration here is one that Envoy's API takes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Configuration, Section
from hosttune.programs import configuration
from hosttune.programs.command_line import Arguments
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.envoy import command, fields, read, recognises
from tests import pace
from tests.programs.shelves.envoy import api

TYPES = "type.googleapis.com/envoy.extensions."
NO_PORT = {"level": 0, "name": 24, "int_value": 1, "state": "STATE_PREBIND"}
Table = dict[str, Any]


def socket(address: str, port: int) -> Table:
    return {"socket_address": {"address": address, "port_value": port}}


def proxy(**how: Any) -> Table:
    config = {"@type": f"{TYPES}filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "x", **how}
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}


def http(**how: Any) -> Table:
    kind = f"{TYPES}filters.network.http_connection_manager.v3.HttpConnectionManager"
    return {"name": "http", "typed_config": {"@type": kind, "stat_prefix": "x", **how}}


def most(value: int, **how: Any) -> Table:
    kind = f"{TYPES}filters.network.connection_limit.v3.ConnectionLimit"
    return {"name": "limit", "typed_config": {"@type": kind, "stat_prefix": "x", "max_connections": value, **how}}


def listener(*filters: Table, name: str = "l", **how: Any) -> Table:
    return {"name": name, "address": socket("0.0.0.0", 1883), "filter_chains": [{"filters": [*filters]}], **how}


def ends(*rows: Table, **how: Any) -> Table:
    return {"lb_endpoints": [*rows], **how}


def end(address: str, port: int = 1883, **how: Any) -> Table:
    return {"endpoint": {"address": socket(address, port)}, **how}


def cluster(name: str = "b", *endpoints: Table, **how: Any) -> Table:
    rows = [*endpoints] or [ends(end("10.0.0.11"), end("10.0.0.12"))]
    return {"name": name, "load_assignment": {"cluster_name": name, "endpoints": rows}, **how}


def boot(listeners: list[Table], clusters: list[Table], **how: Any) -> Table:
    return {"static_resources": {"listeners": listeners, "clusters": clusters}, **how}


def simple(*endpoints: Table, **how: Any) -> Table:
    return boot([listener(proxy(cluster="b"))], [cluster("b", *endpoints, **how)])


def come_to(tmp_path: Path, document: Table | str) -> Configuration:
    """Read a bootstrap as JSON and as YAML, which come to the same; the API takes it."""
    if isinstance(document, str):
        (tmp_path / "e.yaml").write_text(document)
        return configuration.read(Given(LiveHost(str(tmp_path)), ("/e.yaml",))).configuration
    api.parse(document)
    read_ = [come_to(tmp_path, text) for text in (json.dumps(document, indent=1), yaml.safe_dump(document))]
    assert [without(one) for one in read_[:1]] == [without(one) for one in read_[1:]]
    return read_[0]


def without(configured: Configuration) -> str:
    """Return what it comes to without lines, which differ."""
    return re.sub(r"/e\.yaml:\d+", "", repr(configured))


def section(tmp_path: Path, document: Table) -> Section:
    (one,) = come_to(tmp_path, document).sections
    return one


def servers(tmp_path: Path, document: Table) -> list[tuple[str, int]]:
    return [(str(server.backend), server.weight) for server in section(tmp_path, document).servers]


def test_a_listener_leads_to_a_cluster_with_its_breaker_of_1024(tmp_path: Path) -> None:
    configured = come_to(tmp_path, simple())
    (entry,), (one,) = configured.entries, configured.sections
    assert (entry.name, entry.leads, one.name) == ("listener l", ("cluster b",), "cluster b")
    assert [(limit.kind, limit.value, limit.where) for limit in one.limits] == [("circuit-breaker", 1024, "")]
    assert [server.backend.mode for server in one.servers] == [BindMode.CONNECT] * 2
    assert any("1,048,576 bytes" in note for note in configured.notes)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    lines = json.dumps(simple(), indent=1)
    configured = come_to(tmp_path, "# a comment\n" + lines)
    (one,) = configured.sections
    text = ["# a comment", *lines.splitlines()]
    for where in (configured.entries[0].where, one.where, *(server.where for server in one.servers)):
        assert text[int(where.rpartition(":")[2]) - 1].strip().endswith("{"), where


@pytest.mark.parametrize(
    ("thresholds", "value"),
    [
        ([{"max_connections": 5}], 5),
        ([{"priority": "HIGH", "max_connections": 5}], 1024),
        ([{"priority": "DEFAULT", "max_connections": 7}, {"priority": "HIGH", "max_connections": 5}], 7),
        ([{"max_requests": 9}], 1024),
        ([{"max_connections": 2**32 - 1}], None),
    ],
)
def test_circuit_breakers(thresholds: list[Table], value: int | None, tmp_path: Path) -> None:
    one = section(tmp_path, simple(circuit_breakers={"thresholds": thresholds}))
    assert [limit.value for limit in one.limits] == ([] if value is None else [value])


def test_a_breaker_of_each_host_is_the_servers(tmp_path: Path) -> None:
    one = section(tmp_path, simple(circuit_breakers={"per_host_thresholds": [{"max_connections": 40}]}))
    assert [server.most.value for server in one.servers if server.most] == [40, 40]


def test_a_small_breaker_of_a_weighted_cluster_is_rounded_once(tmp_path: Path) -> None:
    weighted = {"clusters": [{"name": "a", "weight": 80}, {"name": "b", "weight": 20}]}
    few = {"circuit_breakers": {"thresholds": [{"max_connections": 1}]}}
    many = [cluster("a", **few), cluster("b", **few)]
    limits = section(tmp_path, boot([listener(proxy(weighted_clusters=weighted))], many)).limits
    assert [limit.most for limit in limits] == [1, 5]
    assert [limit.value_for(limit.most) for limit in limits] == [1, 1]
    assert [limit.value_for(limit.most + 1) for limit in limits] == [2, 2]


def test_what_should_be_a_list_and_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text("static_resources:\n  listeners: []\n  clusters: 5\n")
    made = configuration.read(Given(LiveHost(str(tmp_path)), ("/e.yaml",))).configuration
    assert [note.partition(": ")[2] for note in made.notes] == ["clusters of static_resources is no list; passed over"]


def test_clusters_without_a_listener_are_taken_to_be_in_use(tmp_path: Path) -> None:
    made = come_to(tmp_path, boot([], [cluster("a", ends(end("10.0.0.11")))]))
    assert [str(backend) for backend in made.backends] == ["10.0.0.11:1883"] and not made.entries
    assert made.notes[0].endswith("cluster a: no listener is in the file; the cluster is taken to be in use")


def test_weighted_clusters_share_as_one_section(tmp_path: Path) -> None:
    weighted = {"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 3}]}
    many = [cluster("a", ends(end("10.0.0.1"))), cluster("b")]
    one = section(tmp_path, boot([listener(proxy(weighted_clusters=weighted))], many))
    assert [(server.name, server.weight) for server in one.servers] == [
        ("10.0.0.1:1883", 2),
        ("10.0.0.11:1883", 3),
        ("10.0.0.12:1883", 3),
    ]
    # the first is full at 4,096 of all, the second at 1,365
    assert sorted(limit.most for limit in one.limits) == [4 * 1024 // 3, 4096]
    alike = {"clusters": [{"name": "a", "weight": 2}, {"name": "b", "weight": 2}]}
    (limit,) = section(tmp_path, boot([listener(proxy(weighted_clusters=alike))], many)).limits
    assert limit.most == 2048


def test_http_leads_to_the_clusters_of_its_routes(tmp_path: Path) -> None:
    routes = [
        {"match": {"prefix": "/a"}, "route": {"cluster": "a"}},
        {"match": {"prefix": "/b"}, "route": {"weighted_clusters": {"clusters": [{"name": "b", "weight": 1}]}}},
        {"match": {"prefix": "/c"}, "redirect": {"host_redirect": "x"}},
    ]
    config = {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]}
    clusters = [cluster(name) for name in "abc"]
    configured = come_to(tmp_path, boot([listener(http(route_config=config))], clusters))
    assert configured.entries[0].leads == ("cluster a", "cluster b")
    assert any("no listener leads to cluster c" in note for note in configured.notes)
    assert any("is HTTP" in note for note in configured.notes)


def test_routes_from_elsewhere_lead_to_every_cluster_but_those_of_the_control_plane(tmp_path: Path) -> None:
    grpc = {
        "api_type": "GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
    }
    rds = {"config_source": {"api_config_source": grpc}, "route_config_name": "r"}
    configured = come_to(tmp_path, boot([listener(http(rds=rds))], [cluster("a"), cluster("xds")]))
    assert [one.name for one in configured.sections] == ["cluster a"]
    assert any("come by rds" in note for note in configured.notes)


def test_what_comes_from_a_control_plane_is_unknown(tmp_path: Path) -> None:
    dynamic = {"lds_config": {"ads": {}}, "cds_config": {"ads": {}}, "ads_config": {"api_type": "GRPC"}}
    (one,) = come_to(tmp_path, {"dynamic_resources": dynamic}).sections
    assert one.servers == () and "lds_config, cds_config, ads_config" in one.unknown[0]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}}}, "cluster b is EDS"),
        ({"type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED"}, "cluster b is ORIGINAL_DST"),
        ({"cluster_type": {"name": "envoy.clusters.aggregate"}}, "cluster b is envoy.clusters.aggregate"),
    ],
)
def test_a_cluster_without_endpoints_of_its_own_is_unknown(how: Table, says: str, tmp_path: Path) -> None:
    both = boot([listener(proxy(cluster="b")), listener(proxy(cluster="c"), name="m")], [cluster(**how), cluster("c")])
    configured = come_to(tmp_path, both)
    assert says in configured.sections[0].unknown[0] and len(configured.sections[1].servers) == 2


def test_names_are_not_resolved_below_a_root(tmp_path: Path) -> None:
    one = section(tmp_path, simple(ends(end("broker.example"), end("10.0.0.1")), type="STRICT_DNS"))
    assert len(one.servers) == 1 and "names are not resolved here" in one.unknown[0]
    one = section(tmp_path, simple(ends(end("broker.example"), end("10.0.0.1"))))
    assert "a STATIC cluster resolves no name" in one.unknown[0]


UP, DOWN = end("10.0.0.1"), end("10.0.0.2", health_status="UNHEALTHY")


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([ends(UP, end("10.0.0.2", load_balancing_weight=3))], [("10.0.0.1:1883", 1), ("10.0.0.2:1883", 3)]),
        ([ends(UP, DOWN)], [("10.0.0.1:1883", 1)]),
        ([ends(UP, end("10.0.0.2", health_status="DRAINING"))], [("10.0.0.1:1883", 1)]),
        ([ends(UP, DOWN, end("10.0.0.3", health_status="TIMEOUT"))], [(f"10.0.0.{n}:1883", 1) for n in (1, 2, 3)]),
        ([ends(UP), ends(end("10.0.0.9"), priority=1)], [("10.0.0.1:1883", 1)]),
        ([ends(DOWN), ends(end("10.0.0.9"), priority=1)], [("10.0.0.9:1883", 1)]),
        ([ends(DOWN)], [("10.0.0.2:1883", 1)]),
        ([ends(UP, {"endpoint": {"address": {"pipe": {"path": "/run/x"}}}})], [("10.0.0.1:1883", 1)]),
    ],
)
def test_only_endpoints_that_get_connections_are_counted(
    endpoints: list[Table], expected: list[tuple[str, int]], tmp_path: Path
) -> None:
    assert servers(tmp_path, simple(*endpoints)) == expected


@pytest.mark.parametrize("policy", ["RING_HASH", "MAGLEV", "RANDOM"])
def test_a_policy_that_does_not_share_evenly_is_said(policy: str, tmp_path: Path) -> None:
    assert policy in section(tmp_path, simple(lb_policy=policy)).uneven
    maglev = {"@type": f"{TYPES}load_balancing_policies.maglev.v3.Maglev"}
    extension = {"typed_extension_config": {"name": "x", "typed_config": maglev}}
    assert "Maglev" in section(tmp_path, simple(load_balancing_policy={"policies": [extension]})).uneven
    assert section(tmp_path, simple(lb_policy="LEAST_REQUEST")).uneven == ""


@pytest.mark.parametrize(
    ("config", "way"),
    [
        ({"source_address": {"address": "10.9.0.1", "port_value": 0}}, ("10.9.0.1", BindMode.BIND, None)),
        (
            {"source_address": {"address": "10.9.0.1", "port_value": 0}, "socket_options": [NO_PORT]},
            ("10.9.0.1", BindMode.NO_PORT, None),
        ),
        (
            {
                "source_address": {"address": "10.9.0.1", "port_value": 0},
                "socket_options": [{**NO_PORT, "state": "STATE_BOUND"}],
            },
            ("10.9.0.1", BindMode.BIND, None),
        ),
        (
            {
                "source_address": {"address": "10.9.0.1", "port_value": 0},
                "socket_options": [{"level": 0, "name": 24, "buf_value": "AQAAAA=="}],
            },
            ("10.9.0.1", BindMode.NO_PORT, None),
        ),
        (
            {"source_address": {"address": "10.9.0.1", "port_value": 5000}},
            ("10.9.0.1", BindMode.EXPLICIT, (5000, 5000)),
        ),
        (
            {
                "source_address": {"address": "fd00::1", "port_value": 0},
                "extra_source_addresses": [{"address": {"address": "10.9.0.2", "port_value": 0}}],
            },
            ("10.9.0.2", BindMode.BIND, None),
        ),
        ({"source_address": {"address": "0.0.0.0", "port_value": 0}}, ("0.0.0.0", BindMode.BIND, None)),
    ],
)
def test_the_source_is_of_the_cluster_else_of_all(config: Table, way: tuple[object, ...], tmp_path: Path) -> None:
    own = simple(upstream_bind_config=config)
    everywhere = {**simple(), "cluster_manager": {"upstream_bind_config": config}}
    other = {"source_address": {"address": "10.9.9.9", "port_value": 0}}
    wins = {**own, "cluster_manager": {"upstream_bind_config": other}}
    for document in (own, everywhere, wins):
        for server in section(tmp_path, document).servers:
            backend = server.backend
            assert (backend.sources, backend.mode, backend.ports) == ((way[0],), way[1], way[2])


def test_a_source_of_the_other_ip_version_reaches_nothing(tmp_path: Path) -> None:
    one = section(tmp_path, simple(upstream_bind_config={"source_address": {"address": "fd00::1", "port_value": 0}}))
    assert one.servers == () and "no source address of its IP version" in one.unknown[0]


def test_limits_of_connections(tmp_path: Path) -> None:
    config = {
        "@type": f"{TYPES}resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": 900,
    }
    monitor = {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": config}
    layer = {"envoy": {"resource_limits": {"listener": {"l": {"connection_limit": 70}}}}}
    flat = {"overload.global_downstream_max_connections": 500}
    runtime = {"layers": [{"name": "a", "static_layer": layer}, {"name": "b", "static_layer": flat}]}
    document = boot(
        [listener(most(60), proxy(cluster="b"), tcp_backlog_size=512)], [cluster()], layered_runtime=runtime
    )
    configured = come_to(tmp_path, document)
    assert sorted(limit.value for limit in configured.entries[0].limits) == [60, 70]
    assert [limit.value for limit in configured.limits] == [500] and configured.entries[0].backlog == 512
    both = come_to(tmp_path, {**document, "overload_manager": {"resource_monitors": [monitor]}})
    assert [(limit.kind, limit.value) for limit in both.limits] == [("connection-limit", 900)]
    exempt = boot([listener(proxy(cluster="b"), ignore_global_conn_limit=True)], [cluster()], layered_runtime=runtime)
    assert come_to(tmp_path, exempt).limits == ()


def test_a_limit_that_is_off_or_of_some_chains_is_a_note(tmp_path: Path) -> None:
    off = {"default_value": False, "runtime_key": "x"}
    configured = come_to(tmp_path, boot([listener(most(5, runtime_enabled=off), proxy(cluster="b"))], [cluster()]))
    assert configured.entries[0].limits == () and any("not enabled" in note for note in configured.notes)
    chains = [{"filters": [most(5), proxy(cluster="b")]}, {"filters": [proxy(cluster="b")]}]
    configured = come_to(tmp_path, boot([listener(filter_chains=chains)], [cluster()]))
    assert configured.entries[0].limits == () and any("1 of 2 filter chains" in note for note in configured.notes)


def test_listeners_that_have_no_tcp_connections_are_passed_over(tmp_path: Path) -> None:
    rows = [
        listener(proxy(cluster="b"), name="udp", udp_listener_config={}),
        listener(proxy(cluster="b"), name="pipe", address={"pipe": {"path": "/run/x"}}),
        listener(proxy(cluster="b"), name="tcp"),
    ]
    configured = come_to(tmp_path, boot(rows, [cluster()]))
    assert [entry.name for entry in configured.entries] == ["listener tcp"]


def test_names_of_protobufs_json_and_numbers_as_texts_are_the_same(tmp_path: Path) -> None:
    snake = simple(circuit_breakers={"thresholds": [{"max_connections": 5}]}, lb_policy="RING_HASH")

    def camel(value: Any) -> Any:
        if isinstance(value, list):
            return [camel(one) for one in value]
        if not isinstance(value, dict):
            return str(value) if isinstance(value, int) else value
        words = {key: key.split("_") for key in value}
        return {first + "".join(map(str.capitalize, rest)): camel(value[key]) for key, (first, *rest) in words.items()}

    api.parse(camel(snake))
    assert without(come_to(tmp_path, camel(snake))) == without(come_to(tmp_path, snake))


def test_a_field_that_the_api_does_not_have_is_a_note_and_nothing_else(tmp_path: Path) -> None:
    wrong = simple(max_connections=5)
    with pytest.raises(json_format.ParseError):
        api.parse(wrong)
    configured = come_to(tmp_path, json.dumps(wrong))
    assert any("max_connections is no field of Cluster" in note for note in configured.notes)
    assert [limit.value for limit in configured.sections[0].limits] == [1024]


@pytest.mark.parametrize("message", sorted(fields.known()))
def test_the_fields_that_are_known_are_those_of_the_api(message: str) -> None:
    """Those of the definitions that are installed may be newer: they have more, and take none away."""
    assert fields.known()[message] <= api.fields(message)


ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{ALIASES}static_resources: {{}}\n", "values, those that aliases stand for included"),
        ("static_resources: " + "[" * 200, "nested deeper than 100"),
        ("static_resources: " + "[" * 5000, "nest"),
        ("static_resources: {a: *b}\n", "/e.yaml:1: the alias *b stands for nothing"),
        ("static_resources: [\n", "/e.yaml:2: "),
        ("static_resources:\n\t- x\n", "/e.yaml:2: "),
        ('{"static_resources": ' + '{"a": ' * 5000, "nested deeper than 100"),
        ('{"static_resources": {},\n "admin": ]}', "/e.yaml:2: "),
        ("static_resources: {}\n# " + "x" * (5 << 20), "bytes of YAML"),
    ],
)
def test_what_is_too_much_or_wrong_is_one_line_and_soon(text: str, says: str, tmp_path: Path) -> None:
    watch = pace.Stopwatch()
    with pytest.raises(UsageError) as caught:
        come_to(tmp_path, text)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert watch.seconds() < 5


def test_ten_thousand_endpoints_and_clusters_of_odd_weights_are_read_soon(tmp_path: Path) -> None:
    many = [end(f"10.1.{number >> 8}.{number & 255}") for number in range(10_000)]
    watch = pace.Stopwatch()
    (tmp_path / "e.yaml").write_text(json.dumps(simple(ends(*many))))
    (one,) = configuration.read(Given(LiveHost(str(tmp_path)), ("/e.yaml",))).configuration.sections
    assert len(one.servers) == 10_000 and watch.seconds() < 5
    rows = [
        cluster(f"c{n}", ends(end("10.0.0.1", load_balancing_weight=2 * n + 3), end("10.0.0.2"))) for n in range(500)
    ]
    weighted = {"clusters": [{"name": row["name"], "weight": 2 * n + 1} for n, row in enumerate(rows)]}
    document = boot([listener(proxy(weighted_clusters=weighted))], rows)
    (tmp_path / "e.yaml").write_text(json.dumps(document))
    (one,) = configuration.read(Given(LiveHost(str(tmp_path)), ("/e.yaml",))).configuration.sections
    assert max(server.weight for server in one.servers) <= 10**12


def test_json_takes_no_library_and_yaml_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert len(come_to(tmp_path, "# a comment\n" + json.dumps(simple())).sections) == 1
    with pytest.raises(UsageError, match=r"pip install 'hosttune\[envoy\]'"):
        come_to(tmp_path, "static_resources: {}\n")


FIELDS = [fields.known()[f"envoy.config.{message}"] for message in ("cluster.v3.Cluster", "listener.v3.Listener")]
KEYS = st.sampled_from(sorted(FIELDS[0] | FIELDS[1]))
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(SHAPES, max_size=3), st.lists(SHAPES, max_size=3), st.dictionaries(st.text(max_size=4), SHAPES, max_size=2)
)
def test_no_shape_makes_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, listeners: list[Any], clusters: list[Any], more: Table
) -> None:
    path = tmp_path_factory.mktemp("e")
    document = {"static_resources": {"listeners": listeners, "clusters": clusters}, **more}
    (path / "e.yaml").write_text(json.dumps(document))
    try:
        read(Given(LiveHost(str(path)), ("/e.yaml",), resolves=False))
    except UsageError as error:
        assert "\n" not in str(error)


@given(st.text(max_size=200) | st.integers(0, 700).map(lambda cut: yaml.safe_dump(simple())[:cut]))
def test_no_text_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("e")
    (path / "e.yaml").write_text(text, errors="surrogatepass")
    try:
        read(Given(LiveHost(str(path)), ("/e.yaml",), resolves=False))
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("static_resources:\n  listeners: []\n", True),
        ("# x\n---\nadmin: {}\ndynamic_resources: {}\n", True),
        ('# head\n{\n "static_resources": {}}', True),
        ('{"node": {}, "staticResources": {}}', True),
        ("services:\n  static_resources: x\n", False),
        ('{"a": "static_resources"}', False),
        ("# static_resources:\nx: y\n", False),
    ],
)
def test_it_is_told_by_the_fields_of_a_bootstrap(text: str, whose: bool) -> None:
    assert recognises(text) is whose


def test_the_command_line_gives_its_file() -> None:
    given_ = command(["envoy", "--concurrency", "2", "--config-path=/etc/e.yaml", "--config-yaml", "admin: {}"])
    assert given_ == Arguments(("/etc/e.yaml",), overrides=("admin: {}",))
    assert command(["envoy", "-c"]) == Arguments()
