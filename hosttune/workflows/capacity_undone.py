"""What a host carries before and after a rollback, for the role and the load of the apply that it takes back."""

from __future__ import annotations

import shlex

from hosttune.changes.planned import Planned
from hosttune.changes.record import Record
from hosttune.changes.wayback import WayBack
from hosttune.errors import HosttuneError
from hosttune.facts import machine, where
from hosttune.host.live import LiveHost
from hosttune.options import Options
from hosttune.render import outcome
from hosttune.workflows import examine, loading

_GIVEN = {"--backend": "backend", "--backends-from": "backends_from", "--source": "source"}
"""Options of an apply without which its limits are not those that it was for."""


def sentence(host: LiveHost, chosen: Record, way: WayBack) -> str:
    """Return the capacity now and then, "" for an apply of no role and where it cannot be examined any more."""
    if not chosen.request.roles or not way.changes:
        return ""
    try:
        loaded = loading.load(host, options(chosen))
        place = where.gather(host, machine.gather(host))
        before, after = (
            examine.examine(seen, loaded.profiles, loaded.workload, loaded.programs, "", where=place)
            for seen in (host, Planned(host, way.changes))
        )
    except HosttuneError:
        return ""  # a profile or a configuration that is gone keeps nobody from a rollback
    return outcome.capacity(before, after, chosen.restarts)


def options(chosen: Record) -> Options:
    """Return the role and the load of an apply: those of its record, its destinations as its command names them."""
    given: dict[str, list[str]] = {name: [] for name in _GIVEN.values()}
    try:
        words = iter(shlex.split(chosen.made.command))
    except ValueError:
        words = iter(())
    for word in words:
        option, joined, value = word.partition("=")
        if option in _GIVEN:
            given[_GIVEN[option]].append(value if joined else next(words, ""))
    connections = chosen.request.connections or None
    return Options(role=chosen.request.roles, connections=connections, **given)  # type: ignore[arg-type]
