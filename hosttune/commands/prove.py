"""Make the limits happen in private network namespaces, and hold what was foretold against what the kernel did."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from dataclasses import dataclass

from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.errors import HostError, UsageError
from hosttune.facts import machine as machines
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model import Proven, Trial
from hosttune.options import Options
from hosttune.printable import clean
from hosttune.proofs import proof_setup, running
from hosttune.render.view import proof as proof_view
from hosttune.terminal import streams
from hosttune.workflows import apply_plan, examine, loading

_MOST = 3600.0  # seconds of a budget
_UNITS = {"": 1, "s": 1, "m": 60}


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune prove`, as given; `options` are those that `check` has too."""

    options: Options
    only: str
    budget: str
    planned: bool
    format: str
    strict: bool


def run(asked: Asked) -> int:
    """Print the proofs and return the exit code."""
    if asked.format not in proof_view.RENDERERS:
        raise UsageError(f"--format {asked.format}: unknown; choose {', '.join(sorted(proof_view.RENDERERS))}")
    only, budget = experiments(asked.only), seconds(asked.budget)
    host: Host = LiveHost()
    loaded = loading.load(host, asked.options)
    if asked.planned:
        host = _planned(host, loaded)
    start = time.monotonic()
    try:
        setup = proof_setup.gather(host, loaded.workload, os.geteuid() == 0, budget)
    except HostError as error:
        raise UsageError(f"this host's ports cannot be read: {error}; is /proc there?") from error
    modules = _modules(host)
    try:
        proofs = running.prove(setup, only, _progress)
    finally:
        _progress(0, 0, "")
    loaded_too = sorted(_modules(host) - modules)
    stays = (f"the kernel loaded modules for it, which stay: {', '.join(loaded_too)}",) if loaded_too else ()
    trial = Trial(
        machine=machines.gather(host),
        roles=tuple(profile.name for profile in loaded.profiles),
        planned=asked.planned,
        budget=budget,
        seconds=round(time.monotonic() - start, 1),
        proofs=proofs,
        notes=loaded.notes + setup.notes + stays,
        command=loading.command(),
    )
    streams.put(proof_view.RENDERERS[asked.format](trial, max(60, shutil.get_terminal_size((80, 24)).columns)))
    verdicts = {proof.verdict for proof in proofs}
    return 1 if Proven.DIFFERS in verdicts else 3 if asked.strict and Proven.COULD_NOT in verdicts else 0


def experiments(only: str) -> tuple[str, ...]:
    """Return the experiments of --only, all where it is empty; raises UsageError."""
    known = running.names()
    wanted = tuple(word.strip() for word in only.split(",") if word.strip())
    for word in wanted:
        if word not in known:
            raise UsageError(f"--only {word}: unknown; choose among {', '.join(known)}")
    return wanted or known


def seconds(text: str) -> float:
    """Return the seconds of 30, 30s or 2m; raises UsageError."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([sm]?)", text.strip())
    found = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 1 <= found <= _MOST:
        raise UsageError(f"--budget {text}: not a time from 1s to 60m; write 30s or 2m")
    return found


def _planned(host: Host, loaded: loading.Loaded) -> Host:
    """Return the host as `apply` for the role would make it now."""
    report = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "")
    wanted, findings = apply_plan.request(host, loaded, report, Request(), (), False)
    plan = apply_plan.plan(host, Planned(host), wanted, findings, loaded.profiles)
    return Planned(host, plan.changes)


def _modules(host: Host) -> set[str]:
    return {line.split()[0] for line in text(host, "/proc/modules").splitlines() if line.strip()}


def _progress(number: int, total: int, what: str) -> None:
    """Say on a terminal's stderr how far it is; nothing remains of it there."""
    if sys.stderr.isatty():
        bar = "#" * (20 * number // total) if total else ""
        said = f"  [{bar:<20}] {number + 1} of {total}: {what}" if total else ""
        with streams.passing(streams.Passing.SCREEN, sys.stderr):
            sys.stderr.write(f"\r\x1b[K{clean(said)[: shutil.get_terminal_size((80, 24)).columns - 1]}")
        sys.stderr.flush()
