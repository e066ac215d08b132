"""What a rollback has taken back, or would take back, for a person."""

from __future__ import annotations

from typing import Any

from hosttune import printable
from hosttune.model import Plan
from hosttune.model.acting import Undone
from hosttune.printable import clean
from hosttune.render.view import plan
from hosttune.render.view.figures import fold

SCHEMA = "hosttune/rollback/1"
_OUT = ("id", "dry_run", "changed", "diff", "kept", "damaged")


def plain(undone: Undone) -> dict[str, Any]:
    """Return what goes out to programs."""
    return {name: getattr(undone, name) for name in _OUT} | {"notes": [*undone.notes, *_stays(undone)]}


def table(undone: Undone, width: int) -> str:
    """Return the text for a terminal."""
    shown = Plan(changes=undone.changes, notes=(*undone.kept, *_stays(undone)))
    text = plan.plan(shown, width, undone.units, reasons=False)
    lines = [line for note in undone.notes for line in fold(f"  {note[:1].upper()}{note[1:]}.", width, "    ")]
    if undone.taken_back:
        left = f", except for what is named above ({len(undone.kept):,})" if undone.kept else ""
        lines.append(f"  Apply {undone.id} is taken back{left}.")
        if undone.forcible:
            where = "" if undone.root == "/" else f" --root {printable.word(undone.root)}"
            lines.append(f"  to take that back too: sudo hosttune rollback {undone.id} --force{where}")
    for unit in undone.restarts:
        again = f"systemctl restart {printable.word(unit)}"
        lines.append(f"  note: {clean(unit)} keeps its descriptors until it is started again: {again}")
    return text + "".join(f"{line}\n" for line in lines)


def _stays(undone: Undone) -> list[str]:
    return [undone.stays] if undone.stays else []
