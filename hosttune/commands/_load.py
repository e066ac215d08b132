"""From options to what they mean: profiles, workload, and whose descriptor limits count."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.commands import _examine, _open, _usage
from hosttune.facts import backends
from hosttune.host import Host
from hosttune.model import Workload
from hosttune.profile import merge
from hosttune.profile.load import Profile


@dataclass(frozen=True, slots=True)
class Aim:
    """The options that `check` and `apply` share, as given."""

    role: Sequence[str] = ()
    profile: Sequence[str] = ()
    connections: int | None = None
    rate: int | None = None
    hold: int | None = None
    backend: Sequence[str] = ()
    backends_from: str = ""
    source: Sequence[str] = ()
    bind_mode: str = ""
    service: str = ""
    user: Sequence[str] = ()
    pid: int | None = None
    process_name: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the options come to on one host; `notes` are remarks on a configuration that was read."""

    profiles: list[Profile]
    workload: Workload
    programs: _usage.Programs
    notes: tuple[str, ...]


def load(host: Host, aim: Aim) -> Loaded:
    """Read profiles and configurations; raises UsageError or ProfileError."""
    profiles = _open.open_profiles(list(aim.role), list(aim.profile))
    pid = _examine.find_process(host, aim.process_name) if aim.process_name else aim.pid
    own = next((p for p in profiles if p.service), None)
    unit = aim.service or (own.service if own else "")
    raises = own is not None and own.service_raises_nofile and unit == own.service
    programs = _usage.Programs(unit, tuple(aim.user or ["root"]), pid, raises)
    workload, notes = _workload(aim, host, profiles)
    return Loaded(profiles, workload, programs, notes)


def command() -> str:
    """Return the command line, so that the next one can be printed."""
    return shlex.join(["hosttune", *sys.argv[1:]])


def words(aim: Aim) -> list[str]:
    """Return the options as they were given, so that another verb can be told the same."""
    found: list[str] = []
    for field in dataclasses.fields(aim):
        given = getattr(aim, field.name)
        for value in given if isinstance(given, list | tuple) else [given]:
            if value not in ("", None):
                found += [f"--{field.name.replace('_', '-')}", str(value)]
    return found


def _workload(aim: Aim, host: Host, profiles: list[Profile]) -> tuple[Workload, tuple[str, ...]]:
    """Return the workload, and what is to be said of the configuration it was read from."""
    notes: tuple[str, ...] = ()
    targets = [backends.parse(host, text) for text in aim.backend]
    mode, span = backends.parse_bind_mode(aim.bind_mode) if aim.bind_mode else (None, None)
    if aim.backends_from:
        found, hint, notes = backends.from_config(host, aim.backends_from)
        targets.extend(found)
        if hint and mode is None:
            mode, span = hint
    workload = merge.workload(
        profiles,
        connections=aim.connections,
        rate=aim.rate,
        hold=aim.hold,
        backends=tuple(targets) or None,
        sources=backends.parse_sources(list(aim.source)) or None,
        bind_mode=mode,
        bind_range=span,
    )
    return workload, notes
