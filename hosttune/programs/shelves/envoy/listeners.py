"""The listeners of a bootstrap: what limits each, and to which clusters its connections go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hosttune.model import OwnLimit
from hosttune.programs.shelves.envoy import fields
from hosttune.programs.shelves.envoy.document import Table

_LISTENER = "envoy.config.listener.v3."
_ROUTE = "envoy.config.route.v3."
_FILTERS = "envoy.extensions.filters.network."
_PROXY = f"{_FILTERS}tcp_proxy.v3.TcpProxy"
_HTTP = f"{_FILTERS}http_connection_manager.v3.HttpConnectionManager"
_LIMIT = f"{_FILTERS}connection_limit.v3.ConnectionLimit"

Share = tuple[tuple[str, int], ...]
"""Clusters that share connections, each with its weight; one cluster alone has all of them."""


@dataclass(slots=True)
class Listener:
    """A listener as it was read. `anywhere`: its routes come from elsewhere, any cluster may be among them."""

    name: str
    where: str
    backlog: int = 0
    limits: list[OwnLimit] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    anywhere: str = ""
    http: bool = False
    exempt: bool = False
    buffer: int | None = None


def read(boot: Table, runtime: dict[str, tuple[str, str]], notes: list[str]) -> list[Listener]:
    """Return the TCP listeners, in order; adds what was passed over, and why."""
    made = []
    for number, table in enumerate(boot.table("static_resources").tables("listeners"), 1):
        name = table.text("name") or f"{number}"
        fields.check(table, f"{_LISTENER}Listener", notes)
        if why := _passed(table):
            notes.append(f"{table.where}: listener {name} is {why}; skipped")
            continue
        listener = Listener(f"listener {name}", table.where, table.number("tcp_backlog_size") or 0)
        listener.exempt = table.true("ignore_global_conn_limit") or table.true("bypass_overload_manager")
        listener.buffer = table.number("per_connection_buffer_limit_bytes")
        key = f"envoy.resource_limits.listener.{name}.connection_limit"
        if key in runtime and runtime[key][0].isdecimal():
            value, where = runtime[key]
            listener.limits.append(limit(int(value), key, listener.name, where))
        _chains(table, listener, notes)
        made.append(listener)
    return made


def limit(value: int, setting: str, of: str, where: str) -> OwnLimit:
    """Return a limit of connections, beyond which Envoy closes what it has accepted."""
    return OwnLimit("connection-limit", min(value, 2**63), setting, of, where, fails="closed at once after accept()")


def _passed(table: Table) -> str:
    """Return what a listener is that has no TCP connections of the role, "" for one that has."""
    address = table.table("address")
    socket = address.table("socket_address")
    if table.of("udp_listener_config") is not None or socket.text("protocol") in ("UDP", "1"):
        return "UDP"
    if address.of("pipe") is not None:
        return f"at {address.table('pipe').text('path')}, a Unix socket"
    if table.of("internal_listener") is not None:
        return "internal"
    return "without an address" if not socket.text("address") else ""


def _chains(table: Table, listener: Listener, notes: list[str]) -> None:
    default = table.of("default_filter_chain")
    chains = [*table.tables("filter_chains"), *([default] if isinstance(default, Table) else [])]
    limits: list[OwnLimit] = []
    for chain in chains:
        fields.check(chain, f"{_LISTENER}FilterChain", notes)
        limits.extend(_filters(chain, listener, notes)[:1])
    if len(chains) == 1:
        listener.limits.extend(limits)
    elif limits and len(limits) == len(chains):
        setting = f"max_connections of its {len(chains):,} filter chains"
        listener.limits.append(limit(sum(one.value for one in limits), setting, listener.name, limits[0].where))
    elif limits:
        notes.append(
            f"{table.where}: connection_limit of {len(limits):,} of {len(chains):,} filter chains: not counted"
        )
    listener.shares = list(dict.fromkeys(listener.shares))


def _filters(chain: Table, listener: Listener, notes: list[str]) -> list[OwnLimit]:
    limits: list[OwnLimit] = []
    for row in chain.tables("filters"):
        fields.check(row, f"{_LISTENER}Filter", notes)
        if row.of("config_discovery") is not None:
            listener.anywhere = f"{row.where}: filter {row.text('name')} of {listener.name} comes by config_discovery"
        kind, config = typed(row)
        if kind == "TcpProxy":
            fields.check(config, _PROXY, notes)
            _proxy(config, listener)
        elif kind == "HttpConnectionManager":
            fields.check(config, _HTTP, notes)
            _http(config, listener, notes)
        elif kind == "ConnectionLimit":
            fields.check(config, _LIMIT, notes)
            most = config.number("max_connections")
            if not config.table("runtime_enabled").true("default_value", default=True):
                notes.append(f"{config.where}: connection_limit is not enabled by default; not counted")
            elif most is not None:
                limits.append(limit(most, "max_connections", listener.name, config.where))
    return limits


def typed(table: Table) -> tuple[str, Table]:
    """Return the bare name of a typed_config's message, and its fields; "" without one."""
    config = table.table("typed_config")
    kind = config.text("@type").rpartition("/")[2]
    if kind.endswith(".TypedStruct"):
        return config.text("type_url").rpartition(".")[2], config.table("value")
    return kind.rpartition(".")[2], config


def _proxy(config: Table, listener: Listener) -> None:
    weighted = config.table("weighted_clusters").tables("clusters")
    if config.text("cluster"):
        listener.shares.append(((config.text("cluster"), 1),))
    elif share := _weighted(weighted):
        listener.shares.append(share)
    elif config.of("on_demand") is not None:
        listener.anywhere = f"{config.where}: the cluster of {listener.name} comes on demand"


def _weighted(rows: list[Table]) -> Share:
    weights: dict[str, int] = {}
    for row in rows:
        weight = row.number("weight")
        if row.text("name") and weight:
            weights[row.text("name")] = weights.get(row.text("name"), 0) + weight
    return tuple(weights.items())


def _http(config: Table, listener: Listener, notes: list[str]) -> None:
    listener.http = True
    for name in ("rds", "scoped_routes"):
        if config.of(name) is not None:
            listener.anywhere = f"{config.where}: the routes of {listener.name} come by {name}"
    routes = config.table("route_config")
    fields.check(routes, f"{_ROUTE}RouteConfiguration", notes)
    mirrors = [*routes.tables("request_mirror_policies")]
    for host in routes.tables("virtual_hosts"):
        fields.check(host, f"{_ROUTE}VirtualHost", notes)
        mirrors += host.tables("request_mirror_policies")
        if host.of("matcher") is not None:
            listener.anywhere = f"{host.where}: a matcher chooses the routes of {listener.name}"
        for action in _actions(host, notes):
            mirrors += action.tables("request_mirror_policies")
            _action(action, listener)
    listener.shares += [((row.text("cluster"), 1),) for row in mirrors if row.text("cluster")]


def _actions(host: Table, notes: list[str]) -> Iterator[Table]:
    for route in host.tables("routes"):
        fields.check(route, f"{_ROUTE}Route", notes)
        action = route.of("route")
        if isinstance(action, Table):
            fields.check(action, f"{_ROUTE}RouteAction", notes)
            yield action


def _action(action: Table, listener: Listener) -> None:
    if action.text("cluster"):
        listener.shares.append(((action.text("cluster"), 1),))
    elif share := _weighted(action.table("weighted_clusters").tables("clusters")):
        listener.shares.append(share)
    else:
        which = action.text("cluster_header") or "a plug-in"
        listener.anywhere = f"{action.where}: {which} chooses the cluster of a route of {listener.name}"
