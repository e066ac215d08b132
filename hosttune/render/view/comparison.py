"""What two hosts do not share: what each difference does, the weightiest first, and the rest in one line."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model import Comparison, Contrast, Effect, Side
from hosttune.model.document import Block, Callout, Document, Listing, Pairs, Paragraph
from hosttune.model.roles import Role
from hosttune.render.figures import counted

SCHEMA = "hosttune/comparison/1"
_EFFECTS, _FOLDED = 3, 8


def document(comparison: Comparison, verbose: bool) -> Document:
    """Return it; `verbose` adds every effect, and each difference that does nothing."""
    rows = comparison.contrasts
    shown = [row for row in rows if row.matters or (verbose and row.effects)]
    folded = [row for row in rows if row not in shown]
    target = f"for {' and '.join(comparison.roles)}, {comparison.connections:,} connections"
    blocks: tuple[Block, ...] = (
        Callout(_answer(comparison, len(shown))),
        Pairs((("left", _stops(comparison.left)), ("right", _stops(comparison.right)))),
        *(_row(row, verbose) for row in shown),
        *_folded(folded, verbose),
        *(Paragraph(text, "note", gap=not number) for number, text in enumerate(comparison.notes)),
    )
    return Document(f"{comparison.left.name} against {comparison.right.name}", (target,), blocks)


def _answer(comparison: Comparison, mattering: int) -> str:
    if comparison.unknown:
        return f"Unknown: {comparison.unknown}"
    if not comparison.contrasts:
        return "No setting or limit differs"
    if not any(row.matters for row in comparison.contrasts):
        return f"{counted(len(comparison.contrasts), 'difference')}, none of which matters to this target"
    first = comparison.contrasts[0]
    return f"{counted(mattering, 'difference')} that matter{'s' if mattering == 1 else ''}: {first.subject} first"


def _stops(side: Side) -> str:
    kernel = f"{side.name}; Linux {side.kernel}; " if side.kernel else f"{side.name}; "
    if side.connections is None:
        return f"{kernel}no limit is known"
    return f"{kernel}stops at {side.connections:,}: {side.stops}"


def _row(row: Contrast, verbose: bool) -> Pairs:
    effects = row.effects if verbose else row.effects[:_EFFECTS]
    rows = [("differs", f"{row.left or '(empty)'} against {row.right or '(empty)'}"), *map(_effect, effects)]
    if row.effects[len(effects) :]:
        rows.append(("more", f"{counted(len(row.effects) - len(effects), 'effect')} with -v"))
    rows += [("note", note) for note in row.notes]
    return Pairs(tuple(rows), row.subject, Role.BAD if row.matters else Role.PLAIN)


def _effect(effect: Effect) -> tuple[str, str]:
    return "does", f"{effect.what}: {effect.left} against {effect.right}"


def _folded(rows: list[Contrast], verbose: bool) -> Iterator[Block]:
    if not rows:
        return
    if verbose:
        texts = tuple(f"{row.subject}: {row.left or '(empty)'} against {row.right or '(empty)'}" for row in rows)
        yield Listing("also differs, without a limit below the target", texts)
        return
    names = ", ".join(row.subject for row in rows[:_FOLDED])
    more = f" and {len(rows) - _FOLDED:,} more" if rows[_FOLDED:] else ""
    yield Paragraph(f"{names}{more}: no limit below the target (-v)", "also differs", gap=True)
