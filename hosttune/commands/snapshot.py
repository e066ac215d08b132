"""Record every answer that any read-only verb may ask of this host."""

from __future__ import annotations

from hosttune import api
from hosttune.options import Options, Place
from hosttune.printable import clean, word
from hosttune.terminal import started, streams

_INSIDE = " (settings, programs, logins, addresses of peers: only you may read it; --redact leaves names out)"


def run(output: str, options: Options, redact: bool, interval: float, place: Place) -> None:
    """Write the snapshot to `output`, whole or not at all; raises UsageError."""
    text = api.snapshot(options, place, interval=interval, redact=redact)
    # peers, processes, logins, what only root may read: nobody else's, whatever the umask is
    streams.to_file("-o", output, text, 0o600)
    verb = "diagnose" if interval else "check"
    streams.put(
        f"{clean(output)}: recorded{_INSIDE if not redact else ''}; look at it with "
        f"{started.spelling().of(f'`hosttune {verb} --snapshot {word(output)}`')}\n"
    )
