"""List, show and validate profiles."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api, render
from hosttune.options import Options
from hosttune.terminal import presenting, streams


def show_all() -> None:
    """Print a line a profile."""
    for name, title in api.roles().items():
        streams.put(f"{name:<18}{title}\n")


def show(options: Options, format: str) -> None:
    """Print what a profile requires on this host, at that workload."""
    render.check_format("RoleRequirements", format)
    presenting.present(api.requirements(options), format)


def validate(files: Sequence[str]) -> None:
    """Check each file; raises ProfileError or UsageError with one line for the first that is wrong."""
    for file in files:
        presenting.present(api.validate(file), "table")
