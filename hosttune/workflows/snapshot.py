"""Record every answer that any read-only verb may ask of this host."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from hosttune.errors import HostError, HosttuneError
from hosttune.facts import backends, egress, links, machine, node, ruleset, translated, watching, where
from hosttune.facts.kinds import nofile
from hosttune.facts.pool import pools
from hosttune.host import Host
from hosttune.host.recorded import Recording
from hosttune.model import Backend, BindMode, Configuration, Programs, Reason, Symptom, Unknown
from hosttune.model.progress import Step
from hosttune.options import Options, Place
from hosttune.profile import load, merge
from hosttune.programs import secrets
from hosttune.resolve.systemd_units import list_units
from hosttune.workflows import examine, finding, loading, observe, opening, resolve, stopping, telling

_NAMES = ("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group")  # nothing of a program

_READING = Step("reading this host")


def snapshot(options: Options, place: Place, interval: float, redact: bool) -> str:
    """Return the text of a recording; raises UsageError.

    With an interval it keeps a second gathering of what changes, that many seconds after the first.
    """
    with opening.standpoint(place) as point, opening.remembering(point.host), telling.during(_READING):
        runs = place.root == "/"
        return point.look(lambda host, view: _recorded(host, options, runs, view.came, interval, redact))


def _recorded(host: Host, options: Options, runs: bool, came: where.Came, interval: float, redact: bool) -> str:
    recording = Recording(host)
    targets = tuple(backends.parse(recording, text) for text in options.backend)
    sources = backends.parse_sources(list(options.source))
    read: dict[str, bool] = {}
    for name in load.names(opening.LOCAL):
        profiles = opening.open_profiles([name], [])
        unit = next((profile.service for profile in profiles if profile.service), "")
        programs = Programs(unit, ("root",), None)
        examine.examine(recording, profiles, merge.workload(profiles), programs, "")
        if runs:
            read |= _carriers(recording, name)
    _count(recording, targets, sources)
    if targets:
        links.on_link(recording, targets, {})
        links.gather(recording)
        _filtered(recording, targets)
    resolve.of_host(recording)
    _units(recording)
    if runs and came == where.HERE:
        node.gather(recording, machine.gather(recording))
    if runs:
        _twice(recording, targets, sources, interval)
    _blank(recording.answers, read)
    if redact:
        from hosttune.host import redact as redacting

        recording.answers = redacting.redact(recording.answers, os.urandom(16).hex())
    return recording.text()


def _carriers(host: Recording, role: str) -> dict[str, bool]:
    """Ask for the programs of a role that run, and what a check asks for each; return the files that were read for it.

    They are those of configurations, or False where it was none.
    """
    found, read = _carrier(host, role, None)
    others = [running.pid for running in found.others if running.here is not False] if found else []
    for pid in others[: stopping.MOST]:
        read |= _carrier(host, role, pid)[1]
    return read


def _carrier(host: Recording, role: str, pid: int | None) -> tuple[finding.Found | None, dict[str, bool]]:
    """Ask what a check of one program asks, of the role's first one where none is named."""
    options = Options(role=role, pid=pid)
    asked = Recording(host)
    known: Configuration | Unknown | None = Unknown(Reason.UNDECIDED)
    found = None
    try:
        loaded = loading.load(asked, options, None, finding.Search(options))
        found = loaded.found
        known = found.configuration
        if found.first:
            if isinstance(known, Configuration):
                finding.changed(asked, found.first, known.files)
            examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "")
    except HosttuneError:
        pass
    paths = [path for path in asked.answers["reads"] if known and _is_of_program(path)]
    return found, dict.fromkeys(paths, isinstance(known, Configuration))


def _is_of_program(path: str) -> bool:
    return path not in _NAMES and ("/root/" in path or not path.startswith("/proc/"))


def _blank(answers: dict[str, dict[str, Any]], paths: dict[str, bool]) -> None:
    """Leave the secrets out of configurations that were read, and of command lines.

    What was no configuration is not kept: a command line may name any file.
    """
    for path, known in paths.items():
        answer = answers["reads"].get(path, {})
        if "is" in answer and known:
            answer["is"] = secrets.without(answer["is"])
        elif "is" in answer:
            answers["reads"][path] = {"error": Reason.UNREADABLE.name, "detail": f"{path}: no configuration"}
    for key, answer in answers["probes"].items():
        for row in answer.get("is", ()) if key.startswith("carriers ") else ():
            row["arguments"] = secrets.without_in(row["arguments"])
    if "again" in answers:
        _blank(answers["again"], paths)


def _count(host: Recording, targets: tuple[Backend, ...], sources: tuple[str, ...]) -> None:
    """Ask for the ports towards the targets, in whichever mode somebody may ask."""
    for mode in BindMode if targets else ():
        pools(host, targets, sources, mode, None)


def _filtered(host: Recording, targets: tuple[Backend, ...]) -> None:
    """Ask for what is beside the rules of the packet filter, where they translate anything."""
    with contextlib.suppress(HostError):
        own = host.probe("addresses")["addresses"]
        translated.gather(host, ruleset.gather(host), targets, own)
        egress.gather(host, targets, {})


def _twice(host: Recording, targets: tuple[Backend, ...], sources: tuple[str, ...], seconds: float) -> None:
    """Ask what a diagnosis asks, of two moments where an interval was given."""
    again = Recording(host.inner) if seconds else host
    hosts = observe.live(host, again)
    observe.clues(hosts, Options(), Symptom(), seconds)
    telling.step(_READING)
    if ended := hosts.wait(0.0, str):
        telling.tell(f"{ended}: the second moment is this one")
    watching.gather(again)  # which a diagnosis asks for where its symptom is a sign of it
    if seconds:
        _count(again, targets, sources)
        host.add(again)


def _units(host: Recording) -> None:
    for unit in list_units(host):
        nofile.read(host, (f"unit/{unit}",))
