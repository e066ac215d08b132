"""HAProxy: its haproxy.cfg read, and one written for each load balancer of a plan."""

from hosttune.programs.shelves.haproxy.reading import read
from hosttune.programs.shelves.haproxy.writing import files

__all__ = ["files", "read"]
