"""The configuration of the program that stalls, and the connections that it holds: what its own limits are held to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hosttune.capacity import CapacityFacts
from hosttune.facts import process
from hosttune.host import Host
from hosttune.model import Configuration, Machine, Program, Workload
from hosttune.model.programs import known_as
from hosttune.options import Options
from hosttune.profile import merge
from hosttune.programs import in_force, knowledge
from hosttune.workflows import finding, loading

_ROLES = ("lb", "broker")
"""The roles whose programs set limits of their own on what comes in."""


def configuration(host: Host, options: Options, named: Sequence[int] | None) -> Configuration | None:
    """Return what the options come to, as it is in force where that can be asked; raises UsageError.

    Without a role or a file it is that of the program which runs: of `named`, the processes that were, or of those that
    carry connections for others.
    """
    if options.backends_from or options.role or options.profile or options.service:
        return loading.load(host, options, search=finding.Search(options)).programs.configuration
    search = finding.Search(dataclasses.replace(options, role=_ROLES))
    found = search.found(host, named[0] if named else None)
    if found.first is None or not isinstance(found.configuration, Configuration):
        return None
    return in_force.of(host, found.configuration, found.first.pids)[0]


def carried(
    host: Host,
    machine: Machine,
    configured: Configuration | None,
    named: Sequence[int] | None,
    programs: Sequence[Program],
) -> int | None:
    """Return the connections that the program of a configuration holds, None where its process is not known.

    Without one that was named it is the one of the program's name.
    """
    if configured is None:
        return None
    if configured.carried is not None:
        return configured.carried
    known = known_as(knowledge.of(configured.program), configured.program)
    pids = named or [program.pid for program in programs if program.name in known.names]
    running = process.gather(host, pids)
    if running is None or not isinstance(running.descriptors, int):
        return None
    return CapacityFacts({}, (), _workload(configured), machine, process=running, configuration=configured).carried


def _workload(configured: Configuration) -> Workload:
    """Return how its connections are counted: one that leads them on has two sockets, and one tuple, of each."""
    plain = merge.workload([])
    sockets, tuples = (2, 1) if configured.sections else (1, 0)
    return dataclasses.replace(
        plain,
        sockets_per_connection=sockets,
        descriptors_per_connection=sockets,
        tuples_per_connection=tuples,
        pipes_per_connection=configured.pipes or 0.0,
    )
