"""Keep an apply that waits to be confirmed."""

from __future__ import annotations

from hosttune import api, render
from hosttune.commands import acting
from hosttune.terminal import streams


def run(id: int | None, dry_run: bool, format: str) -> int:
    """Confirm it on this host, or show it; returns the exit code."""
    render.check_format("Confirmed", format)
    done = api.confirm(id, dry_run=dry_run)
    if done.changed and not dry_run:
        streams.did(f"apply {done.id} is confirmed")
    return acting.present(done, format)
