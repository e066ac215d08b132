"""Tsung 1.7 and 1.8: its tsung.xml read, and one written for the load generators of a plan."""

from hosttune import registry

__getattr__ = registry.late(
    __name__,
    arguments=("command",),
    reading=("read", "recognises"),
    writing=("VERSIONS", "files"),
)
