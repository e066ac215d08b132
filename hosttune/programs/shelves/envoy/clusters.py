"""The clusters of a bootstrap: their servers, each with the way to it, and their circuit breakers."""

from __future__ import annotations

from dataclasses import dataclass, field

from hosttune.addresses import numeric
from hosttune.errors import HostError
from hosttune.model import Backend, OwnLimit, Server
from hosttune.model.listening import endpoint as written
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.envoy import binding, endpoints, fields
from hosttune.programs.shelves.envoy.document import Table
from hosttune.programs.shelves.envoy.endpoints import Endpoint

_CLUSTER = "envoy.config.cluster.v3."
_BREAKER = 1024  # max_connections of a circuit breaker, config.cluster.v3.CircuitBreakers
_ENDLESS = 2**32 - 1
_TYPES = ("STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST")
_EVEN = {"", "ROUND_ROBIN", "0", "LEAST_REQUEST", "1", "RoundRobin", "LeastRequest", "WrrLocality"}
_FAILS = "the client is closed: upstream_cx_overflow of the cluster, response flag UO"


@dataclass(slots=True)
class Cluster:
    """A cluster as it was read; `breaker` is None where it has no limit."""

    name: str
    where: str
    servers: list[Server] = field(default_factory=list)
    breaker: OwnLimit | None = None
    uneven: str = ""
    growing: str = ""
    unknown: list[str] = field(default_factory=list)


def read(given: Given, table: Table, default: Table, notes: list[str]) -> Cluster:
    """Return a cluster; `default` is the upstream_bind_config of all that have none themselves."""
    fields.check(table, f"{_CLUSTER}Cluster", notes)
    cluster = Cluster(table.text("name"), table.where)
    per_host = _breakers(table, cluster, notes)
    policy = _policy(table)
    if policy not in _EVEN:
        cluster.uneven = f"{policy} chooses the endpoint, whatever the load of the others"
    config = table.table("upstream_bind_config")
    ways = binding.read(config if table.of("upstream_bind_config") is not None else default, notes)
    kind = _type(table)
    if kind not in _TYPES[:3]:
        cluster.unknown.append(f"{table.where}: cluster {cluster.name} is {kind}: its endpoints are not in the file")
        return cluster
    for row in endpoints.used(table, notes, cluster.unknown):
        for address in _addresses(given, table, kind, row, cluster):
            way, why = binding.towards(ways, address)
            name = written(row.address, row.port)
            if way is None:
                cluster.unknown.append(f"{row.where}: {name}: {why}")
                continue
            sources = (numeric(way.source),) if way.source else ()
            backend = Backend(address, row.port, name, sources, way.mode, way.ports)
            cluster.servers.append(Server(name, row.where, backend, row.weight, per_host))
    if not cluster.servers and not cluster.unknown:
        cluster.unknown.append(f"{table.where}: cluster {cluster.name} has no endpoint in its load_assignment")
    return cluster


def _type(table: Table) -> str:
    own = table.table("cluster_type")
    if own.text("name"):
        config = own.table("typed_config")
        if config.text("@type").endswith(".DnsCluster"):
            return "LOGICAL_DNS" if config.true("all_addresses_in_single_endpoint") else "STRICT_DNS"
        return own.text("name")
    kind = table.text("type") or "STATIC"
    return _TYPES[int(kind)] if kind in ("0", "1", "2", "3", "4") else kind


def _policy(table: Table) -> str:
    for row in table.table("load_balancing_policy").tables("policies"):
        extension = row.table("typed_extension_config")
        return extension.table("typed_config").text("@type").rpartition(".")[2] or extension.text("name")
    numbers = {"2": "RING_HASH", "3": "RANDOM", "5": "MAGLEV"}
    return numbers.get(table.text("lb_policy"), table.text("lb_policy"))


def _breakers(table: Table, cluster: Cluster, notes: list[str]) -> OwnLimit | None:
    """Set the cluster's circuit breaker of connections, 1,024 unless set; return that of each of its hosts."""
    config = table.table("circuit_breakers")
    fields.check(config, f"{_CLUSTER}CircuitBreakers", notes)
    of, value, where = f"cluster {cluster.name}", _BREAKER, ""
    for row in config.tables("thresholds"):
        fields.check(row, f"{_CLUSTER}CircuitBreakers.Thresholds", notes)
        if row.text("priority") in ("", "DEFAULT", "0") and (most := row.number("max_connections")) is not None:
            value, where = most, row.where
    if value < _ENDLESS:
        cluster.breaker = OwnLimit("circuit-breaker", value, "max_connections", of, where, fails=_FAILS)
    for row in config.tables("per_host_thresholds"):
        most = row.number("max_connections")
        if most is not None and most < _ENDLESS:
            kind = "circuit-breaker-host"
            return OwnLimit(kind, most, "max_connections per host", of, row.where, fails=_FAILS)
    return None


def _addresses(given: Given, table: Table, kind: str, row: Endpoint, cluster: Cluster) -> tuple[str, ...]:
    """Return the numeric addresses of an endpoint; adds what is unknown of one that is a name."""
    if address := numeric(row.address):
        return (address,)
    name = f"{row.where}: {row.address}:{row.port}"
    if kind == "STATIC":
        cluster.unknown.append(f"{name}: no address, and a STATIC cluster resolves no name: Envoy does not start")
        return ()
    if not given.resolves:
        cluster.unknown.append(f"{name}: names are not resolved here")
        return ()
    try:
        answers = [numeric(one) for one in given.host.probe("names", hostname=row.address)]
    except HostError as error:
        cluster.unknown.append(f"{name}: {row.address} cannot be resolved ({error.detail})")
        return ()
    wanted = _of_families(table.text("dns_lookup_family"), [one for one in answers if one])
    if not wanted:
        cluster.unknown.append(f"{name}: {row.address} has no address of its dns_lookup_family")
    cluster.growing = f"{kind}: the addresses are those that its names have now"
    return wanted[:1] if kind == "LOGICAL_DNS" else wanted


def _of_families(family: str, addresses: list[str]) -> tuple[str, ...]:
    """Return those that Envoy would take (config.cluster.v3.Cluster.DnsLookupFamily)."""
    v4 = tuple(one for one in addresses if ":" not in one)
    v6 = tuple(one for one in addresses if ":" in one)
    if family in ("V4_ONLY", "1"):
        return v4
    if family in ("V6_ONLY", "2"):
        return v6
    if family in ("V4_PREFERRED", "3"):
        return v4 or v6
    return tuple(addresses) if family in ("ALL", "4") else v6 or v4
