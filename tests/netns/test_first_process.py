"""Whose descriptors count in a network namespace: those of its first process, never those of the host's."""

from __future__ import annotations

from hosttune import Options, api
from tests.netns.sandbox import inside


def names() -> None:
    """Print the bounds of descriptors of a client that names no program."""
    report = api.capacity(Options(role="client", connections=1000))
    print([bound.name for bound in report.bounds if bound.kind == "nofile"])


def test_the_first_process_counts_where_it_is_in_the_namespace() -> None:
    assert "nofile of process 1" in inside(__name__, "names", alone=True)
    assert "process 1" not in inside(__name__, "names")
