"""Envoy's API definitions: a bootstrap is parsed as Envoy parses it, and a field that it does not have is refused."""

from __future__ import annotations

import importlib
from typing import Any

from google.protobuf import descriptor_pool, json_format, message_factory

# those of typed_config are found by name once their module is imported
_MODULES = (
    "envoy.config.bootstrap.v3.bootstrap_pb2",
    "envoy.extensions.clusters.dns.v3.dns_cluster_pb2",
    "envoy.extensions.filters.network.connection_limit.v3.connection_limit_pb2",
    "envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2",
    "envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2",
    "envoy.extensions.load_balancing_policies.maglev.v3.maglev_pb2",
    "envoy.extensions.resource_monitors.downstream_connections.v3.downstream_connections_pb2",
)


def fields(message: str) -> set[str]:
    """Return the fields that a message has."""
    return {field.name for field in _pool().FindMessageTypeByName(message).fields}


def parse(bootstrap: dict[str, Any]) -> None:
    """Parse a bootstrap; raises json_format.ParseError for a field or a value that the API does not have."""
    pool = _pool()
    made = message_factory.GetMessageClass(pool.FindMessageTypeByName("envoy.config.bootstrap.v3.Bootstrap"))()
    json_format.ParseDict(bootstrap, made, descriptor_pool=pool)


def _pool() -> descriptor_pool.DescriptorPool:
    for name in _MODULES:
        importlib.import_module(name)
    return descriptor_pool.Default()
