"""nginx: its nginx.conf read, and one written for each load balancer of a plan."""

from hosttune.programs.shelves.nginx.reading import read, recognises
from hosttune.programs.shelves.nginx.writing import files

__all__ = ["files", "read", "recognises"]
