"""The configurations of a plan, of every format."""

from __future__ import annotations

from hosttune import registry
from hosttune.errors import UsageError
from hosttune.model import Deployment

_MOST = 4096
"""Processes that are configured: each has files of its own, and each file is synced to the disk."""


def texts(deployment: Deployment) -> dict[str, str]:
    """Return every file of every format and program, by its path below the directory of --emit; raises UsageError."""
    programs = sum(host.tier.processes for host in deployment.hosts)
    if programs > _MOST:
        count = f"{programs:,} processes on {len(deployment.hosts):,} hosts would be configured, at most {_MOST:,} are"
        raise UsageError(f"--emit: {count}; plan fewer hosts, or fewer processes on each")
    files: dict[str, str] = {}
    for package in ("hosttune.planning.deploy.formats", "hosttune.programs.shelves"):
        for name in registry.names(package):
            plugin = registry.load(package, name)
            made: dict[str, str] = plugin.files(deployment) if hasattr(plugin, "files") else {}
            twice = files.keys() & made.keys()
            if twice:
                raise ValueError(f"{package}.{name}: {sorted(twice)} are those of another format")
            files |= made
    return files
