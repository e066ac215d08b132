"""Mosquitto: its mosquitto.conf read, and one written for each broker of a plan."""

from hosttune import registry

__getattr__ = registry.late(
    __name__,
    arguments=("command",),
    reading=("read", "recognises"),
    writing=("files",),
)
