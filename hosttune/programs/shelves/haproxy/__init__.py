"""HAProxy: its haproxy.cfg read, held against what is in force, and one written for each load balancer of a plan."""

from hosttune import registry

DIRECTORY = ".cfg"
"""How the files end that it reads of a directory (management manual, `-f`)."""

__getattr__ = registry.late(
    __name__,
    answering=("asked", "in_force"),
    arguments=("command",),
    grammar=("recognises",),
    reading=("read",),
    writing=("files",),
)
