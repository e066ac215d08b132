"""Envoy: a cluster for each source address, bound without taking a port, and limits that let the load through."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hosttune.model import Deployment, Pair, PlannedHost
from hosttune.programs import pieces

_NO_LIMIT = 2**32 - 1  # circuit breakers are uint32
_TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
# IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT of ip(7); without it a port that is bound serves one backend only (envoy#44747)
_NO_PORT = {"description": "IP_BIND_ADDRESS_NO_PORT", "level": 0, "name": 24, "int_value": 1, "state": "STATE_PREBIND"}


def files(deployment: Deployment) -> dict[str, str]:
    """Return envoy.yaml of each load balancer: JSON, which is YAML, below a few comments."""
    hosts = [host for host in pieces.running(deployment, "envoy") if host.pairs]
    sharing = pieces.towards(deployment, hosts)
    return {f"hosts/{host.name}/envoy.yaml": _text(deployment, host, sharing) for host in hosts}


def _text(deployment: Deployment, host: PlannedHost, sharing: Counter[str]) -> str:
    lines = [
        f"# {pieces.head(deployment, host, 'Envoy')}",
        *pieces.needs(host),
        "# A cluster for each source address: of extra_source_addresses the default selector takes one of the other IP",
        "# version only. Circuit breakers stand at 1,024 connections where they are not set.",
    ]
    return "\n".join(lines) + "\n" + json.dumps(_bootstrap(deployment, host, sharing), indent=2) + "\n"


def _bootstrap(deployment: Deployment, host: PlannedHost, sharing: Counter[str]) -> dict[str, Any]:
    by_source: dict[str, list[Pair]] = {}
    for pair in host.pairs:
        by_source.setdefault(pair.source, []).append(pair)
    names = {source: f"source_{number}" for number, source in enumerate(by_source, 1)}
    every = [pieces.together(deployment, host, pairs, sharing) for pairs in by_source.values()]
    limits = pieces.carrying(host, every)
    weights = [{"name": names[source], "weight": len(pairs)} for source, pairs in by_source.items()]
    return {
        "static_resources": {
            "listeners": [_listener(deployment, host, port, weights) for port in host.ports],
            "clusters": [
                _cluster(names[source], source, pairs, limit)
                for (source, pairs), limit in zip(by_source.items(), limits, strict=True)
            ],
        }
    }


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _listener(deployment: Deployment, host: PlannedHost, port: int, weights: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = pieces.quiet(deployment.sizing.topology)
    proxy = {
        "@type": _TCP_PROXY,
        "stat_prefix": f"devices_{port}",
        # "0s": a silent connection is never closed
        "idle_timeout": f"{seconds or 0}s",
        "weighted_clusters": {"clusters": weights},
    }
    backlog = {"tcp_backlog_size": host.workload.backlog} if host.workload.backlog else {}
    return {
        "name": f"devices_{port}",
        "address": _socket(host.address, port),
        "enable_reuse_port": True,
        **backlog,
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


def _cluster(name: str, source: str, pairs: list[Pair], together: int | None) -> dict[str, Any]:
    limit = min(together or _NO_LIMIT, _NO_LIMIT)
    endpoints = [{"endpoint": {"address": _socket(pair.backend.address, pair.backend.port)}} for pair in pairs]
    most = {"max_connections": limit, "max_pending_requests": limit, "max_requests": limit}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [{"priority": "DEFAULT", **most}]},
        "upstream_bind_config": {
            "source_address": {"address": source, "port_value": 0},
            "socket_options": [_NO_PORT],
        },
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
