"""The main job: compare this host with its role, count what it carries, print it."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from dataclasses import dataclass

from hosttune.commands import _examine, _open
from hosttune.errors import UsageError
from hosttune.facts import backends
from hosttune.host import Host
from hosttune.model import Severity, Workload
from hosttune.profile import merge
from hosttune.profile.load import Profile


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune check`, as given."""

    role: list[str] | None
    profile: list[str] | None
    connections: int | None
    rate: int | None
    backend: list[str] | None
    backends_from: str
    source: list[str] | None
    bind_mode: str
    service: str
    user: list[str] | None
    pid: int | None
    process_name: str
    netns: str
    root: str
    snapshot: str
    format: str
    fail_on: str
    strict: bool
    verbose: bool


def run(asked: Asked) -> int:
    """Print the report and return the exit code."""
    _open.check_format(asked.format)
    if asked.fail_on not in list(Severity):
        raise UsageError(f"--fail-on {asked.fail_on}: unknown; choose {', '.join(Severity)}")
    missing = _enter(asked)
    host = _open.open_host(asked.root, asked.snapshot, asked.netns)
    profiles = _open.open_profiles(asked.role or [], asked.profile or [])
    pid = _examine.find_process(host, asked.process_name) if asked.process_name else asked.pid
    own = next((p for p in profiles if p.service), None)
    unit = asked.service or (own.service if own else "")
    raises = own is not None and own.service_raises_nofile and unit == own.service
    programs = _examine.Programs(unit, tuple(asked.user or ["root"]), pid, raises)
    workload, notes = _workload(asked, host, profiles)
    report = _examine.examine(host, profiles, workload, programs, _command(), missing)
    report = dataclasses.replace(report, warnings=notes + report.warnings)
    _open.print_report(report, asked.format, asked.verbose)
    return _examine.exit_code(report.findings, Severity(asked.fail_on).rank, asked.strict)


def _enter(asked: Asked) -> tuple[str, ...]:
    """Look from where the process named does, if it runs here; return what could not be looked at."""
    if asked.pid is None or asked.snapshot or asked.root != "/" or asked.netns:
        return ()
    from hosttune.host.netns import enter_process

    unseen = enter_process(asked.pid)
    return (unseen,) if unseen else ()


def _workload(asked: Asked, host: Host, profiles: list[Profile]) -> tuple[Workload, tuple[str, ...]]:
    """Return the workload, and what is to be said of the configuration it was read from."""
    notes: tuple[str, ...] = ()
    targets = [backends.parse(host, text) for text in asked.backend or []]
    mode, span = backends.parse_bind_mode(asked.bind_mode) if asked.bind_mode else (None, None)
    if asked.backends_from:
        found, hint, notes = backends.from_config(host, asked.backends_from)
        targets.extend(found)
        if hint and mode is None:
            mode, span = hint
    load = merge.workload(
        profiles,
        connections=asked.connections,
        rate=asked.rate,
        backends=tuple(targets) or None,
        sources=backends.parse_sources(asked.source or []) or None,
        bind_mode=mode,
        bind_range=span,
    )
    return load, notes


def _command() -> str:
    return shlex.join(["hosttune", *sys.argv[1:]])
