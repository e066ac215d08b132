"""Envoy: its bootstrap read, and one written for each load balancer of a plan."""

from hosttune import registry

__getattr__ = registry.late(
    __name__,
    arguments=("command",),
    reading=("read", "recognises"),
    writing=("files",),
)
