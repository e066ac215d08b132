"""nginx: its files read, and an nginx.conf written for each load balancer of a plan."""

from hosttune import registry

__getattr__ = registry.late(
    __name__,
    arguments=("command",),
    reading=("read",),
    recognising=("recognises",),
    writing=("files",),
)
