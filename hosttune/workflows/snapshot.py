"""Record every answer that any read-only verb may ask of this host."""

from __future__ import annotations

import os

from hosttune.facts import backends, links
from hosttune.facts.kinds import nofile
from hosttune.facts.pool import pools
from hosttune.host import Host
from hosttune.host.recorded import Recording
from hosttune.model import Backend, BindMode, Programs, Symptom
from hosttune.options import Options, Place
from hosttune.profile import load, merge
from hosttune.resolve.systemd_units import list_units
from hosttune.workflows import examine, observe, opening, resolve


def snapshot(options: Options, place: Place, interval: float, redact: bool) -> str:
    """Return the text of a recording; raises UsageError.

    With an interval it keeps a second gathering of what changes, that many seconds after the first.
    """
    with opening.standpoint(place) as point, opening.remembering(point.host):
        return point.look(lambda host, _: _recorded(host, options, place.root == "/", interval, redact))


def _recorded(host: Host, options: Options, runs: bool, interval: float, redact: bool) -> str:
    recording = Recording(host)
    targets = tuple(backends.parse(recording, text) for text in options.backend)
    sources = backends.parse_sources(list(options.source))
    for name in load.names(opening.LOCAL):
        profiles = opening.open_profiles([name], [])
        unit = next((profile.service for profile in profiles if profile.service), "")
        programs = Programs(unit, ("root",), None)
        examine.examine(recording, profiles, merge.workload(profiles), programs, "")
    _count(recording, targets, sources)
    if targets:
        links.on_link(recording, targets)
        links.gather(recording)
    resolve.of_host(recording)
    _units(recording)
    if runs:
        _twice(recording, targets, sources, interval)
    if redact:
        from hosttune.host import redact as redacting

        recording.answers = redacting.redact(recording.answers, os.urandom(16).hex())
    return recording.text()


def _count(host: Recording, targets: tuple[Backend, ...], sources: tuple[str, ...]) -> None:
    """Ask for the ports towards the targets, in whichever mode somebody may ask."""
    for mode in BindMode if targets else ():
        pools(host, targets, sources, mode, None)


def _twice(host: Recording, targets: tuple[Backend, ...], sources: tuple[str, ...], seconds: float) -> None:
    """Ask what a diagnosis asks, of two moments where an interval was given."""
    again = Recording(host.inner) if seconds else host
    observe.clues(observe.live(host, again), Options(), Symptom(), seconds)
    if seconds:
        _count(again, targets, sources)
        host.add(again)


def _units(host: Recording) -> None:
    for unit in list_units(host):
        nofile.read(host, (f"unit/{unit}",))
