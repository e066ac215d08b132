"""An apply that is kept, for a person."""

from __future__ import annotations

from typing import Any

from hosttune.model import Plan
from hosttune.model.acting import Confirmed
from hosttune.render.view import plan

SCHEMA = "hosttune/confirm/1"
_OUT = ("id", "dry_run", "changed", "files", "diff")


def plain(confirmed: Confirmed) -> dict[str, Any]:
    """Return what goes out to programs."""
    return {name: getattr(confirmed, name) for name in _OUT}


def table(confirmed: Confirmed, width: int) -> str:
    """Return the text for a terminal."""
    id = confirmed.id
    if not confirmed.changed:
        return f"  Nothing to do: apply {id} is confirmed already.\n"
    if confirmed.dry_run:
        shown = plan.plan(Plan(changes=confirmed.changes), width, reasons=False)
        return f"{shown}  keep it: sudo hosttune confirm {id}\n"
    until = "it stays, after a reboot too" if confirmed.lasts else "it stays until the next boot (--runtime-only)"
    return f"  Apply {id} is confirmed: {until}.\n  undo: sudo hosttune rollback {id}\n"
