"""Record every answer that any read-only verb may ask of this host."""

from __future__ import annotations

import os

from hosttune.commands import resolve
from hosttune.facts import backends, links
from hosttune.facts.pool import pools
from hosttune.host.recorded import Recording
from hosttune.model import Backend, BindMode, Programs, Symptom
from hosttune.options import Options
from hosttune.printable import clean, word
from hosttune.profile import load, merge
from hosttune.terminal import streams
from hosttune.workflows import examine, observe, opening


def run(
    output: str, backend: list[str], source: list[str], redact: bool, netns: str, root: str, interval: str = ""
) -> None:
    """Write the snapshot to `output`, whole or not at all; raises UsageError.

    With an interval it keeps a second gathering of what changes, that long after the first.
    """
    seconds = observe.seconds(interval) if interval else 0.0
    with opening.view(netns, lambda: None, root=root):
        host = opening.open_host(root, "", netns)
        with opening.remembering(host):
            _record(Recording(host), output, backend, source, redact, root, interval, seconds)


def _record(
    host: Recording,
    output: str,
    backend: list[str],
    source: list[str],
    redact: bool,
    root: str,
    interval: str,
    seconds: float,
) -> None:
    targets = tuple(backends.parse(host, text) for text in backend)
    sources = backends.parse_sources(source)
    for name in load.names(opening.LOCAL):
        profiles = opening.open_profiles([name], [])
        workload = merge.workload(profiles)
        unit = next((p.service for p in profiles if p.service), "")
        examine.examine(host, profiles, workload, Programs(unit, ("root",), None), "")
    for mode in BindMode if targets else ():
        pools(host, targets, sources, mode, None)
    if targets:
        links.on_link(host, targets)
        links.gather(host)
    resolve.document(host, [], [], [])
    _units(host)
    if root == "/":
        _twice(host, targets, sources, seconds)
    if redact:
        from hosttune.host import redact as redacting

        host.answers = redacting.redact(host.answers, os.urandom(16).hex())
    # peers, processes, logins, what only root may read: nobody else's, whatever the umask is
    streams.to_file("-o", output, host.text(), 0o600)
    verb = "diagnose" if seconds else "check"
    print(f"{clean(output)}: recorded; look at it with `hosttune {verb} --snapshot {word(output)}`")


def _twice(host: Recording, targets: tuple[Backend, ...], sources: tuple[str, ...], seconds: float) -> None:
    """Ask what a diagnosis asks, of two moments where an interval was given."""
    again = Recording(host.inner) if seconds else host
    live = observe.live(host)
    observe.clues(observe.Twice(host, again, live.wait), Options(), Symptom(), seconds)
    for mode in BindMode if targets and seconds else ():
        pools(again, targets, sources, mode, None)
    if seconds:
        host.add(again)


def _units(host: Recording) -> None:
    from hosttune.facts.kinds import nofile
    from hosttune.resolve.systemd_units import list_units

    for unit in list_units(host):
        nofile.read(host, (f"unit/{unit}",))
