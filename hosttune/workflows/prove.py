"""Make the limits happen in private network namespaces, and hold what was foretold against what the kernel did."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.errors import HostError, UsageError
from hosttune.facts import machine as machines
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model import Trial
from hosttune.options import Options, Proving
from hosttune.proofs import proof_setup, running
from hosttune.workflows import apply_plan, examine, loading, telling


def prove(options: Options, proving: Proving, command: str) -> Trial:
    """Return what was proven; raises UsageError."""
    only = _experiments(proving.only)
    host: Host = LiveHost()
    loaded = loading.load(host, options)
    if proving.planned:
        host = _planned(host, loaded)
    start = time.monotonic()
    try:
        setup = proof_setup.gather(host, loaded.workload, os.geteuid() == 0, proving.budget)
    except HostError as error:
        raise UsageError(f"this host's ports cannot be read: {error}; is /proc there?") from error
    modules = _modules(host)
    proofs = running.prove(setup, only, telling.step)
    remaining = sorted(_modules(host) - modules)
    stays = (f"the kernel loaded modules for it, which stay: {', '.join(remaining)}",) if remaining else ()
    return Trial(
        machine=machines.gather(host),
        roles=tuple(profile.name for profile in loaded.profiles),
        planned=proving.planned,
        budget=proving.budget,
        seconds=round(time.monotonic() - start, 1),
        proofs=proofs,
        notes=loaded.notes + setup.notes + stays,
        command=command,
    )


def _experiments(only: Sequence[str]) -> tuple[str, ...]:
    """Return the experiments that are named, all where none is; raises UsageError."""
    known = running.names()
    wrong = next((name for name in only if name not in known), None)
    if wrong is not None:
        raise UsageError(f"--only {wrong}: unknown; choose among {', '.join(known)}")
    return tuple(only) or known


def _planned(host: Host, loaded: loading.Target) -> Host:
    """Return the host as `apply` for the role would make it now."""
    report = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "")
    wanted, findings = apply_plan.request(host, loaded, report, Request(), (), False)
    plan = apply_plan.plan(host, Planned(host), wanted, findings, loaded.profiles)
    return Planned(host, plan.changes)


def _modules(host: Host) -> set[str]:
    return {line.split()[0] for line in text(host, "/proc/modules").splitlines() if line.strip()}
